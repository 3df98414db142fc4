#include "client/src/connection.h"

#include "client/src/background_thread.h"
#include "client/src/this_process.h"
#include "proto/calls.h"
#include "proto/limits.h"
#include "proto/utf8.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace memshare::detail {

using proto::Fd;
using proto::Stream;

namespace {

// NOLINTNEXTLINE(*-avoid-non-const-global-variables): of the thread
constinit thread_local std::chrono::milliseconds limit_of_calls = std::chrono::milliseconds::max();

[[noreturn]] void throw_no_broker(int error, const std::string& path) {
    throw Error(Errc::no_broker,
                "no broker answers at " + path + " (" + std::system_category().message(error) +
                    R"(): start one with "memshared --socket )" + path +
                    R"(", run this under "memsharectl run --", or set MEMSHARE_SOCKET to where one listens)");
}

} // namespace

std::chrono::milliseconds& call_limit() noexcept { return limit_of_calls; }

Connection::Turn::Turn(Connection& connection) : lock_(connection.mutex_, std::defer_lock) {
    if (connection.mutex_.is_held_here()) {
        throw Error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                    "a signal handler cannot call the broker at " + connection.socket_path() +
                        " while it interrupts such a call: call it after the handler has returned");
    }
    const auto timeout = connection.timeout();
    const auto deadline = Clock::now() + timeout;
    if (!lock_.try_lock() && !lock_.try_lock_until(deadline)) {
        throw Error(Errc::broker_lost, "the broker at " + connection.socket_path() +
                                           " has not answered another thread for " +
                                           std::to_string(timeout.count()) + " ms");
    }
    connection.deadline_ = deadline;
}

bool Connection::is_of_this_process() const { return generation_ == client::process_generation(); }

bool Connection::is_open() const {
    return stream_.has_value() && session_ && session_->holder() != 0 && is_of_this_process() &&
           credentials_.are_current() && socket_.is_there();
}

void Connection::close() {
    stream_.reset();
    socket_.close();
    is_asking_ = false;
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
    write(proto::Hello{.resume_token = resume_token,
                       .program =
                           proto::printable(program_invocation_short_name, proto::limits::program_bytes)},
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
    Fd fresh = Fd::adopt(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fresh) {
        client::throw_error(proto::system_error("make a socket").error());
    }
    socket_.adopt(std::move(fresh));
    generation_ = client::process_generation();
    credentials_ = client::Credentials::now();
    is_closed_to_us_ = false;
    for (auto pause = shortest_pause;; pause = std::min(2 * pause, longest_pause)) {
        const int error = address_.connect(socket_.number());
        if (error == 0) {
            break;
        }
        // EAGAIN: more connections wait to be accepted than the broker lets wait.
        if ((error != EAGAIN && error != EINTR) || Clock::now() + pause >= deadline_) {
            is_closed_to_us_ = error == EACCES || error == EPERM;
            throw_no_broker(error, socket_path());
        }
        const auto forks_go_on = outside();
        std::this_thread::sleep_for(pause);
    }
    stream_.emplace(socket_.number(), proto::limits::reply_bytes);
}

void Connection::expect_to_be_taken(std::string_view method) const {
    if (text_.size() > proto::limits::call_bytes) {
        throw Error(Errc::invalid_argument, "a call of " + std::to_string(text_.size()) +
                                                " bytes is too long for a broker, which takes " +
                                                std::to_string(proto::limits::call_bytes));
    }
    if (!proto::is_utf8(text_)) {
        throw Error(Errc::invalid_argument, "a broker takes only text of UTF-8, and a parameter of this " +
                                                std::string(method) + " is none: give another one");
    }
}

bool Connection::wait_for(short readiness, For how_long) {
    constexpr std::chrono::milliseconds longest{1000};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (how_long == For::an_answer && left <= std::chrono::milliseconds::zero()) {
        return false;
    }
    const auto wait = how_long == For::ever ? longest : std::min(left, longest);
    pollfd ready{.fd = socket_.number(), .events = readiness, .revents = 0};
    {
        const auto forks_go_on = outside();
        poll(&ready, 1, static_cast<int>(wait.count()));
    }
    return true;
}

// A connection that waits for ever has one thread, and is not locked.
std::optional<client::ForkSafeMutex::Outside> Connection::outside() {
    using Outside = std::optional<client::ForkSafeMutex::Outside>;
    return mutex_.is_held_here() ? Outside(std::in_place, mutex_) : Outside();
}

// A signal handler that interrupts a call may fork: then the answer on this socket is for the parent.
void Connection::expect_to_be_the_asker() {
    if (!is_of_this_process()) {
        broken(Errc::broker_lost, "was asked by the parent of this process");
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
    return error.code() == Errc::broker_lost ||
           (error.code() == Errc::no_broker && session_ != nullptr && !is_closed_to_us_);
}

void Connection::give_up(const Error& last) const {
    if (hang_ups_ >= most_hang_ups) {
        throw Error(Errc::broker_lost, "the broker at " + socket_path() + " ended the connection " +
                                           std::to_string(hang_ups_) + " times when it was asked this");
    }
    if (last.code() != Errc::no_broker) {
        throw Error(last);
    }
    throw Error(Errc::broker_lost, "the broker at " + socket_path() + " is gone, and none has come for " +
                                       std::to_string(timeout().count()) + " ms");
}

void Connection::detach(proto::Detach parameters, const client::Session& session) noexcept {
    const proto::WithoutCancellation postponed;
    if (mutex_.is_held_here()) {
        return; // in a signal handler that interrupts a call: it stays attached
    }
    try {
        const std::scoped_lock lock(mutex_);
        if (session.holder() == 0 || &session != session_.get()) {
            return; // of a parent's, or one that has ended
        }
        tell_later(number(std::move(parameters)));
        if (stream_.has_value()) {
            deadline_ = Clock::now() + std::min(timeout(), longest_farewell);
            text_ = unconfirmed_.back();
            if (!is_open() || !send()) { // nobody may call for long, and the memory is to be free by then
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
        const auto turn = take_turn();
        if (!is_open()) {
            open();
        }
    } catch (...) {
        close();
    }
}

bool Connection::confirm(std::chrono::milliseconds longest) noexcept {
    const CallLimit soon(longest);
    try {
        if (!unconfirmed_.empty() && session_ && session_->holder() != 0) {
            call(proto::GetInfo{});
        }
        return true;
    } catch (...) {
        return false;
    }
}

// Nobody else uses it any more, and the process may live for long: until then the broker would keep what it
// has not heard of as attached. A broker that is away for longer than a minute is not told.
Connection::~Connection() {
    try {
        if (unconfirmed_.empty() || confirm(is_open() ? longest_farewell : longest_pause)) {
            return;
        }
        auto rest = std::make_shared<Connection>(socket_path(), timeout_);
        rest->swap_with(*this);
        client::start_background_thread("memshare-detach", [rest] {
            constexpr std::chrono::minutes longest{1};
            const auto end = Clock::now() + longest;
            while (!rest->confirm(longest_farewell) && Clock::now() < end) {
                std::this_thread::sleep_for(longest_pause);
            }
            rest->unconfirmed_.clear();
        }).detach();
    } catch (...) { // NOLINT(bugprone-empty-catch): for want of memory or threads it stays attached
    }
}

void Connection::swap_with(Connection& other) noexcept {
    std::swap(session_, other.session_);
    std::swap(unconfirmed_, other.unconfirmed_);
    std::swap(last_serial_, other.last_serial_);
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
    throw Error(code, "the broker at " + socket_path() + " " + how);
}

// False, if nobody will read it.
bool Connection::send() {
    std::string_view rest = text_;
    while (!rest.empty()) {
        expect_to_be_the_asker();
        const auto sent = stream_->send(rest, {});
        if (!sent) {
            if (sent.error().code == std::errc::broken_pipe ||
                sent.error().code == std::errc::connection_reset) {
                return false; // a broker that turned us away has said why before: receive() finds it
            }
            broken(Errc::broker_lost, "cannot be told: cannot " + sent.error().sentence());
        }
        rest.remove_prefix(*sent);
        if (!rest.empty() && !wait_for(POLLOUT, For::an_answer)) {
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
        expect_to_be_the_asker();
        const auto received = stream_->receive();
        if (!received) {
            if (received.error().code == std::errc::too_many_files_open) {
                close();
                throw Error(received.error().code,
                            "this process cannot have more files open, as it takes to "
                            "get a segment (ulimit -n, RLIMIT_NOFILE)");
            }
            const bool by_socket = received.error().code.category() == std::system_category();
            hang_ups_ += by_socket && is_asking_ ? 1 : 0;
            broken(by_socket ? Errc::broker_lost : Errc::protocol_violation,
                   "broke off: cannot " + received.error().sentence());
        }
        if (*received == Stream::Received::end) {
            hang_ups_ += is_asking_ ? 1 : 0;
            broken(Errc::broker_lost, "ended the connection");
        }
        if (*received == Stream::Received::something) {
            continue;
        }
        if (looking) {
            looking = Clock::now() - start < look;
        } else if (!wait_for(POLLIN, how_long)) {
            broken(Errc::broker_lost, "has not answered for " + std::to_string(timeout().count()) + " ms");
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
