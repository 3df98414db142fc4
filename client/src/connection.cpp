#include "client/src/connection.h"

#include "proto/calls.h"
#include "proto/limits.h"
#include "proto/socket_address.h"
#include "proto/utf8.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <limits>

namespace memshare::detail {

using proto::Fd;
using proto::Stream;

namespace {

// NOLINTNEXTLINE(*-avoid-non-const-global-variables): of the thread
constinit thread_local std::chrono::milliseconds limit_of_calls = std::chrono::milliseconds::max();

timeval as_timeval(std::chrono::milliseconds time) {
    const auto whole = duration_cast<std::chrono::seconds>(time);
    return {.tv_sec = whole.count(),
            .tv_usec = duration_cast<std::chrono::microseconds>(time - whole).count()};
}

[[noreturn]] void throw_no_broker(int error, const std::string& path) {
    throw Error(Errc::no_broker,
                "no broker answers at " + path + " (" + std::system_category().message(error) +
                    R"(): start one with "memshared --socket )" + path +
                    R"(", run this under "memsharectl run --", or set MEMSHARE_SOCKET to where one listens)");
}

} // namespace

std::chrono::milliseconds& call_limit() noexcept { return limit_of_calls; }

Connection::Turn::Turn(Connection& connection) : lock_(connection.mutex_, std::defer_lock) {
    const auto timeout = connection.timeout();
    const auto deadline = Clock::now() + timeout;
    if (!lock_.try_lock() && !lock_.try_lock_until(deadline)) {
        throw Error(Errc::broker_lost, "the broker at " + connection.path_ +
                                           " has not answered another thread for " +
                                           std::to_string(timeout.count()) + " ms");
    }
    connection.deadline_ = deadline;
}

bool Connection::is_open() const {
    return stream_.has_value() && session_ && session_->holder() != 0 && socket_.is_there();
}

void Connection::close() {
    stream_.reset();
    socket_.close();
}

void Connection::open() {
    close();
    try {
        connect();
        const bool goes_on = session_ && session_->holder() != 0;
        proto::Hello::Reply hello = say_hello(goes_on ? session_->token() : "");
        version_ = std::move(hello.version);
        if (goes_on && hello.token == session_->token()) {
            catch_up();
        } else {
            unconfirmed_.clear();
            session_ = std::make_shared<client::Session>(hello.holder, std::move(hello.token), session_);
        }
    } catch (...) { // a broker that turned us away may take us the next time
        close();
        throw;
    }
}

// The broker is told again what it may not have heard; what it has, it knows by the number.
void Connection::catch_up() {
    for (const std::string& call : unconfirmed_) {
        text_ = call;
        send();
    }
}

// A session that the broker does not know any more has ended, or the broker is another one.
proto::Hello::Reply Connection::say_hello(const std::string& resume_token) {
    write(proto::Hello{.resume_token = resume_token, .program = program_invocation_short_name},
          proto::Wants::reply);
    send();
    try {
        return read<proto::Hello>(receive({}).reply);
    } catch (const Error& error) {
        if (resume_token.empty() || error.code() != Errc::refused) {
            throw;
        }
    }
    return say_hello({});
}

void Connection::connect() {
    const auto address = proto::SocketAddress::of(path_);
    if (!address) {
        client::throw_error(address.error());
    }
    Fd fresh = Fd::adopt(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fresh) {
        client::throw_error(proto::system_error("make a socket").error());
    }
    socket_.adopt(std::move(fresh));
    between_looks_ = {};
    look_at_the_time();
    while (::connect(socket_.number(), address->data(), proto::SocketAddress::size()) != 0) {
        // So many are waiting to be accepted, or a signal came: as it has a time limit, it is not resumed.
        const bool may_go_on = errno == EAGAIN || errno == EINTR;
        if (const int error = errno; !may_go_on || Clock::now() >= deadline_) {
            throw_no_broker(error, path_);
        }
    }
    stream_.emplace(socket_.number(), proto::limits::reply_bytes);
}

void Connection::look_at_the_time() {
    using std::chrono::milliseconds;
    const auto left = std::chrono::ceil<milliseconds>(deadline_ - Clock::now());
    const auto between = std::clamp(left, milliseconds(1), milliseconds(1000));
    if (between != between_looks_) {
        const timeval wait = as_timeval(between);
        setsockopt(socket_.number(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
        setsockopt(socket_.number(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
        between_looks_ = between;
    }
}

std::string Connection::version() {
    const auto turn = take_turn();
    return insist([this] {
        if (!is_open()) {
            open();
        }
        return version_;
    });
}

const client::Session& Connection::session() {
    const auto turn = take_turn();
    return insist([this]() -> const client::Session& {
        if (!session_ || session_->holder() == 0) {
            open();
        }
        return *session_;
    });
}

// Whether it may be over soon: a broker that was there may be starting again.
bool Connection::may_pass(const Error& error) const {
    return error.code() == Errc::broker_lost || (error.code() == Errc::no_broker && session_ != nullptr);
}

void Connection::give_up(const Error& last) const {
    if (last.code() != Errc::no_broker) {
        throw Error(last);
    }
    throw Error(Errc::broker_lost, "the broker at " + path_ + " is gone, and none has come for " +
                                       std::to_string(timeout().count()) + " ms");
}

void Connection::detach(proto::Detach parameters, const client::Session& session) noexcept {
    const proto::WithoutCancellation postponed;
    try {
        const std::scoped_lock lock(mutex_);
        if (session.holder() == 0 || &session != session_.get()) {
            return; // of a parent's, or one that has ended
        }
        tell_later(number(std::move(parameters)));
        if (is_open()) {
            deadline_ = Clock::now() + std::min(timeout(), longest_farewell);
            text_ = unconfirmed_.back();
            if (!send()) { // nobody may call for long, and the memory is to be free by then
                open();
            }
        }
    } catch (...) {
        close(); // the next one is told
    }
}

void Connection::catch_up_now() noexcept {
    const proto::WithoutCancellation postponed;
    try {
        const std::scoped_lock lock(mutex_);
        deadline_ = Clock::now() + timeout();
        if (!is_open()) {
            open();
        }
    } catch (...) {
        close();
    }
}

// It has to be the very Attach: others of this process may have the segment attached in the same way.
void Connection::regret(const proto::Attach& call) {
    tell_later(number(
        proto::Detach{.name = {}, .id = {}, .access = call.access, .serial = {}, .attached = call.serial}));
}

void Connection::regret(const proto::Create& call) {
    tell_later(proto::Destroy{.name = {}, .id = call.id});
    tell_later(number(proto::Detach{.name = {}, .id = call.id, .access = {}, .serial = {}, .attached = {}}));
}

void Connection::broken(Errc code, const std::string& how) {
    close();
    throw Error(code, "the broker at " + path_ + " " + how);
}

// False, if nobody will read it.
bool Connection::send() {
    std::string_view rest = text_;
    while (!rest.empty()) {
        const auto sent = stream_->send(rest, {});
        if (!sent) {
            if (sent.error().code == std::errc::broken_pipe ||
                sent.error().code == std::errc::connection_reset) {
                return false; // a broker that turned us away has said why before: receive() finds it
            }
            broken(Errc::broker_lost, "cannot be told: cannot " + sent.error().sentence());
        }
        rest.remove_prefix(*sent);
        pollfd writable{.fd = socket_.number(), .events = POLLOUT, .revents = 0};
        const auto left = std::clamp<std::int64_t>(
            duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count(), 0,
            std::numeric_limits<int>::max());
        if (!rest.empty() && (left == 0 || poll(&writable, 1, static_cast<int>(left)) == 0)) {
            broken(Errc::broker_lost, "takes no more calls");
        }
    }
    return true;
}

Stream::Message Connection::receive_message(For how_long) {
    const auto look = patience_.next();
    const auto start = Clock::now();
    bool looking = look.count() > 0;
    while (true) {
        if (auto message = stream_->take()) {
            if (look.count() > 0) {
                patience_.learn(looking);
            }
            return *std::move(message);
        }
        const auto received = stream_->receive(looking ? Stream::Wait::no : Stream::Wait::yes);
        if (!received) {
            if (received.error().code == std::errc::too_many_files_open) {
                close();
                throw Error(received.error().code,
                            "this process cannot have more files open, as it takes to "
                            "get a segment (ulimit -n, RLIMIT_NOFILE)");
            }
            const bool by_socket = received.error().code.category() == std::system_category();
            broken(by_socket ? Errc::broker_lost : Errc::protocol_violation,
                   "broke off: cannot " + received.error().sentence());
        }
        if (*received == Stream::Received::end) {
            broken(Errc::broker_lost, "ended the connection");
        }
        if (*received == Stream::Received::nothing_yet) {
            const auto now = Clock::now(); // it may be a signal, which is none of a library's business
            if (now >= deadline_ && how_long == For::an_answer) {
                broken(Errc::broker_lost,
                       "has not answered for " + std::to_string(timeout().count()) + " ms");
            }
            looking = looking && now - start < look;
            look_at_the_time();
        }
    }
}

Connection::Incoming Connection::receive(const std::string& segment, For how_long) {
    Stream::Message message = receive_message(how_long);
    const auto reply = read_reply(document_, message.text);
    if (!reply || message.fds.size() > 1) {
        broken(Errc::protocol_violation, "answered with what is not a reply");
    }
    if (!reply->error.empty()) {
        if (const auto refusal = read_refusal(*reply)) {
            client::throw_refusal(*refusal, segment);
        }
        client::throw_unknown_refusal(proto::printable(reply->error, proto::limits::name_bytes), segment);
    }
    return {*reply, message.fds.empty() ? Fd() : std::move(message.fds.front())};
}

} // namespace memshare::detail
