// This process's connection to a broker: one call at a time, each with one round trip.
#pragma once

#include "client/src/broker_address.h"
#include "client/src/credentials.h"
#include "client/src/failure.h"
#include "client/src/fork_safe_mutex.h"
#include "client/src/own_file.h"
#include "client/src/patience.h"
#include "client/src/session.h"
#include "proto/calls.h"
#include "proto/limits.h"
#include "proto/stream.h"
#include "proto/varlink.h"
#include "proto/without_cancellation.h"
#include <memshare/broker.hpp>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace memshare::detail {

// The longest that a call of this thread may take. (CallLimit)
std::chrono::milliseconds& call_limit() noexcept;

// It is opened by the first call. When it breaks it is opened anew, with pauses that grow, until the call's
// time is over, and goes on with the same session; the call is then made once more. It is opened anew as well
// when the process has changed its user or groups, so that the broker goes by what the process may now. A
// forked child shares nothing of its parent's: its first call opens a connection and a session of its own.
class Connection {
  public:
    Connection(std::string socket_path, std::chrono::milliseconds timeout)
        : address_(std::move(socket_path)), timeout_(timeout) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection(); // what the broker has not been told yet, as it is away, is told in the background

    const std::string& socket_path() const { return address_.path(); }

    // Not negative, and so that the time now plus this can be a time.
    std::chrono::milliseconds timeout() const {
        return std::clamp(std::min(timeout_, call_limit()), std::chrono::milliseconds::zero(),
                          longest_timeout);
    }

    template <typename Method> struct Answered {
        typename Method::Reply reply;
        proto::Fd fd;                   // what came beside the reply, if anything did
        const client::Session& session; // whose call it was; lives as long as the connection
    };

    // Throws Error, if the broker is not there, goes away for too long, or says no to this call about a
    // segment.
    template <typename Method>
    Answered<Method> call(const Method& parameters, const std::string& segment = {}) {
        const auto turn = take_turn();
        const Method numbered = number(parameters);
        try {
            return insist([&] { return attempt(numbered, segment); });
        } catch (...) {
            regret_if_in_doubt(numbered);
            throw;
        }
    }

    // The same for a method that answers in pieces: all of them.
    template <typename Method> std::vector<typename Method::Reply> call_for_more(const Method& parameters) {
        const auto turn = take_turn();
        return insist([&] {
            return in_step([&] {
                begin(parameters, proto::Wants::more);
                std::vector<typename Method::Reply> replies;
                for (bool more = true; more;) {
                    const Incoming incoming = receive({});
                    more = incoming.reply.continues;
                    replies.push_back(read<Method>(incoming.reply));
                }
                unconfirmed_.clear();
                return replies;
            });
        });
    }

    // The same for one that never ends: calls each(reply) until that is false, however long nothing comes; it
    // is not made again. To be called on a connection that nobody else has: as this would lock others out,
    // and forks as well, it takes no lock.
    template <typename Method> void call_for_ever(const Method& parameters, auto each) {
        deadline_ = Clock::now() + timeout();
        begin(parameters, proto::Wants::more);
        while (each(read<Method>(receive({}, For::ever).reply))) {
        }
        close();
    }

    // Takes back a Create or an Attach of this session's, without an answer. If the connection turns out to
    // be broken, another is tried once, which takes a second at most; if there is none, the next one begins
    // with this. Never throws; for want of memory it is as if the caller still had it.
    void detach(proto::Detach parameters, const client::Session& session) noexcept;

    // Opens the connection, if it is broken, so that the broker is told what it should be.
    void catch_up_now() noexcept;

    // Makes sure that the broker has heard of every detach so far. False, if that takes longer than this.
    bool confirm(std::chrono::milliseconds longest) noexcept;

    // What the broker said in answer to Hello. Opens the connection.
    std::string version();

    // This process's session. Opens the connection, if there never was one. It lives as long as this.
    const client::Session& session();

  private:
    using Clock = std::chrono::steady_clock;

    // While it lives no other thread makes a call, and this one is not cancelled in the middle of a call, as
    // its answer would be taken for the next one's.
    class Turn {
      public:
        explicit Turn(Connection& connection);

      private:
        proto::WithoutCancellation postponed_;
        std::unique_lock<client::ForkSafeMutex> lock_;
    };

    static constexpr std::chrono::milliseconds longest_timeout = std::chrono::hours(24 * 36525);
    static constexpr std::chrono::microseconds longest_look{50}; // some calls take that
    static constexpr std::chrono::milliseconds longest_farewell{1000};
    static constexpr std::chrono::milliseconds shortest_pause{1}, longest_pause{100};
    static constexpr unsigned most_hang_ups = 8; // a broker that is often restarted answers sooner

    // Waits until no other thread makes a call; the time that this one may take has begun.
    Turn take_turn() { return Turn(*this); }

    // Attempts to make a call until one does not find the connection broken, or the time is over.
    decltype(auto) insist(auto attempt) {
        in_doubt_ = false;
        hang_ups_ = 0;
        for (auto pause = shortest_pause;; pause = std::min(2 * pause, longest_pause)) {
            try {
                return attempt();
            } catch (const Error& error) {
                if (!may_pass(error)) {
                    throw;
                }
                if (hang_ups_ >= most_hang_ups || Clock::now() + pause >= deadline_) {
                    give_up(error);
                }
            }
            const client::ForkSafeMutex::Outside forks_go_on(mutex_);
            std::this_thread::sleep_for(pause);
        }
    }
    bool may_pass(const Error& error) const;
    [[noreturn]] void give_up(const Error& last) const;

    template <typename Method>
    Answered<Method> attempt(const Method& parameters, const std::string& segment) {
        const bool is_repeated = in_doubt_;
        try {
            return in_step([&]() -> Answered<Method> {
                begin(parameters, proto::Wants::reply);
                Incoming incoming = receive(segment);
                unconfirmed_.clear(); // whatever was told before has been heard
                return {read<Method>(incoming.reply), std::move(incoming.fd), *session_};
            });
        } catch (const Error& error) {
            if (is_repeated && error.code() == Errc::no_such_segment && may_be_done(parameters)) {
                return {{}, {}, *session_}; // an earlier attempt has destroyed it
            }
            throw;
        }
    }

    // A refusal is a whole answer, and whatever else is thrown as an Error has closed the connection. After
    // anything else, as want of memory, an answer may still come, and would be taken for the next call's.
    auto in_step(auto exchange) {
        try {
            return exchange();
        } catch (const Error&) {
            throw;
        } catch (...) {
            close();
            throw;
        }
    }

    // Whether a repeated call that finds no segment may have ended it the first time. (What can be an id is
    // tried as a name first, and then is none.)
    static bool may_be_done(const auto& /*call*/) { return false; }
    static bool may_be_done(const proto::Destroy& call) {
        return !call.name || !proto::SegmentId::parse(call.name->text());
    }

    // A call that was given up may have been carried out, or may be yet: then the broker is told to take it
    // back, before anything else. It is certain that it was not, if the connection still stands.
    void regret_if_in_doubt(const auto& call) noexcept {
        if constexpr (requires { regret(call); }) {
            try {
                if (in_doubt_ && !is_open()) {
                    regret(call);
                }
            } catch (...) { // NOLINT(bugprone-empty-catch): for want of memory it stays as it is
            }
        }
    }
    void regret(const proto::Attach& call);
    void regret(const proto::Create& call);

    void tell_later(const auto& call) {
        std::string text;
        write_call(text, call, proto::Wants::nothing);
        unconfirmed_.push_back(text + '\0');
    }

    // A call that counts each time that it is made bears a number, so that a repeated one does not.
    template <typename Method> Method number(Method parameters) {
        if constexpr (requires { parameters.serial; }) {
            parameters.serial = ++last_serial_;
        }
        return parameters;
    }

    struct Incoming {
        proto::Reply reply;
        proto::Fd fd;
    };

    enum class For { an_answer, ever };

    bool is_open() const;
    void open();
    void connect();
    void catch_up();
    proto::Hello::Reply say_hello(const std::string& resume_token);
    void close();

    template <typename Method> void write(const Method& parameters, proto::Wants wants) {
        text_.clear();
        write_call(text_, parameters, wants);
        text_ += '\0';
    }
    template <typename Method> void begin(const Method& parameters, proto::Wants wants) {
        write(parameters, wants);
        expect_to_be_taken(Method::method);
        if (!is_open()) {
            open();
            write(parameters, wants);
        }
        in_doubt_ = true;
        is_asking_ = true;
        send();
    }
    // Throws invalid_argument, if what is to be sent is no call that any broker takes.
    void expect_to_be_taken(std::string_view method) const;

    template <typename Method> typename Method::Reply read(const proto::Reply& reply) {
        auto parameters =
            proto::read_parameters<typename Method::Reply>(reply.parameters, proto::Strangers::ignore);
        if (!parameters) {
            broken(Errc::protocol_violation, "answered without a good \"" + parameters.error() + '"');
        }
        return *std::move(parameters);
    }

    // Waits until the socket is ready for this, a signal comes, or the time of the call is over: false. Forks
    // go on meanwhile.
    bool wait_for(short readiness, For how_long);
    std::optional<client::ForkSafeMutex::Outside> outside();
    bool is_of_this_process() const;
    void expect_to_be_the_asker();
    void swap_with(Connection& other) noexcept;
    bool send();
    Incoming receive(const std::string& segment, For how_long = For::an_answer);
    proto::Stream::Message receive_message(For how_long);
    [[noreturn]] void broken(Errc code, const std::string& how);

    client::BrokerAddress address_;
    std::chrono::milliseconds timeout_;
    client::ForkSafeMutex mutex_;
    Clock::time_point deadline_;   // of the call that is being made
    bool in_doubt_ = false;        // whether that was sent before, and may have been carried out
    bool is_asking_ = false;       // a call was sent on this connection, after Hello was answered
    unsigned hang_ups_ = 0;        // how often the broker has ended the connection instead of an answer
    bool is_closed_to_us_ = false; // this process may not connect
    std::uint64_t last_serial_ = 0;
    std::vector<std::string> unconfirmed_; // calls that were told, or are to be, since the last answer
    client::OwnFile socket_;
    std::uint64_t generation_ = 0;    // of the process that opened the socket
    client::Credentials credentials_; // under which it was opened
    std::shared_ptr<client::Session> session_;
    std::optional<proto::Stream> stream_;
    proto::JsonDocument document_;
    std::string text_;
    std::string version_;
    client::Patience patience_{longest_look};
};

} // namespace memshare::detail
