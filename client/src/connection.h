// This process's connection to a broker: one call at a time, each with one round trip.
#pragma once

#include "client/src/failure.h"
#include "client/src/fork_safe_mutex.h"
#include "client/src/own_socket.h"
#include "client/src/patience.h"
#include "client/src/session.h"
#include "proto/calls.h"
#include "proto/stream.h"
#include "proto/varlink.h"
#include <memshare/broker.hpp>

#include <mutex>

namespace memshare::detail {

// It is opened by the first call, and anew by the next one after it broke, which then goes on with the same
// session. A forked child shares nothing of its parent's: its first call opens a connection and a session of
// its own.
class Connection {
  public:
    explicit Connection(std::string socket_path) : path_(std::move(socket_path)) {}

    const std::string& socket_path() const { return path_; }

    template <typename Method> struct Answered {
        typename Method::Reply reply;
        proto::Fd fd;                   // what came beside the reply, if anything did
        const client::Session& session; // whose call it was; lives as long as the connection
    };

    // Throws Error, if the broker is not there, goes away, or says no to this call about a segment.
    template <typename Method>
    Answered<Method> call(const Method& parameters, const std::string& segment = {}) {
        const std::scoped_lock lock(mutex_);
        begin(parameters, proto::Wants::reply);
        Incoming incoming = receive(segment);
        return {read<Method>(incoming.reply), std::move(incoming.fd), *session_};
    }

    // The same for a method that answers in pieces: calls each(reply) for all of them.
    template <typename Method> void call_for_more(const Method& parameters, auto each) {
        const std::scoped_lock lock(mutex_);
        begin(parameters, proto::Wants::more);
        for (bool more = true; more;) {
            const Incoming incoming = receive({});
            more = incoming.reply.continues;
            each(read<Method>(incoming.reply));
        }
    }

    // The same for one that never ends: calls each(reply) until that is false, however long nothing comes.
    // To be called on a connection that nobody else has: as this would lock others out, and forks as well, it
    // takes no lock.
    template <typename Method> void call_for_ever(const Method& parameters, auto each) {
        begin(parameters, proto::Wants::more);
        while (each(read<Method>(receive({}, For::ever).reply))) {
        }
        close();
    }

    // Sends a call that is not answered, if that session is still open here. Never throws.
    template <typename Method> void tell(const Method& parameters, const client::Session& session) noexcept {
        try {
            const std::scoped_lock lock(mutex_);
            if (is_open() && &session == session_.get()) {
                write(parameters, proto::Wants::nothing);
                send();
            }
        } catch (...) { // NOLINT(bugprone-empty-catch): the connection is closed by now, which tells as much
        }
    }

    // What the broker said in answer to Hello. Opens the connection.
    std::string version();

  private:
    static constexpr std::chrono::microseconds longest_look{50}; // some calls take that

    struct Incoming {
        proto::Reply reply;
        proto::Fd fd;
    };

    bool is_open() const;
    void open();
    void connect();
    proto::Hello::Reply say_hello(const std::string& resume_token);
    void close();

    template <typename Method> void write(const Method& parameters, proto::Wants wants) {
        text_.clear();
        write_call(text_, parameters, wants);
        text_ += '\0';
    }
    template <typename Method> void begin(const Method& parameters, proto::Wants wants) {
        if (!is_open()) {
            open();
        }
        write(parameters, wants);
        send();
    }
    template <typename Method> typename Method::Reply read(const proto::Reply& reply) {
        auto parameters =
            proto::read_parameters<typename Method::Reply>(reply.parameters, proto::Strangers::ignore);
        if (!parameters) {
            broken(Errc::protocol_violation, "answered without a good \"" + parameters.error() + '"');
        }
        return *std::move(parameters);
    }

    void send();
    enum class For { an_answer, ever };
    Incoming receive(const std::string& segment, For how_long = For::an_answer);
    proto::Stream::Message receive_message(For how_long);
    [[noreturn]] void broken(Errc code, const std::string& how);

    std::string path_;
    client::ForkSafeMutex mutex_;
    client::OwnSocket socket_;
    std::shared_ptr<client::Session> session_;
    std::optional<proto::Stream> stream_;
    proto::JsonDocument document_;
    std::string text_;
    std::string version_;
    client::Patience patience_{longest_look};
};

} // namespace memshare::detail
