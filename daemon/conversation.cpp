#include "daemon/conversation.h"

#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

namespace memshare::daemon {

using asio::redirect_error;
using asio::use_awaitable;
using proto::Stream;

namespace {

// A conversation keeps the memory of its last reply for the next one, up to this.
constexpr std::size_t kept_bytes = proto::limits::idle_buffer_bytes;

// A call up to this needs little memory to be read into.
constexpr std::size_t small_call = proto::limits::KiB;

// From here on no more than this lies unread in the socket: a peer that does not read its replies makes its
// own conversation wait, and nobody else's.
void bound_unread(int socket, int bytes = proto::limits::unread_reply_bytes) {
    setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

// The least that the kernel takes. Then a socket is writable when nothing is unread in it but one message
// that is shorter than this.
constexpr int least_unread_bytes = 1;
constexpr std::size_t noticed_bytes = 256;

// The kernel, or the user that the daemon runs as, is short of something for now. (ETOOMANYREFS: as many
// descriptors are in flight as one user may have open.)
bool is_shortage(int error) { return error == ETOOMANYREFS || error == ENOBUFS || error == ENOMEM; }

bool all_is_read(int socket) {
    int unread = 0;
    return ioctl(socket, SIOCOUTQ, &unread) != 0 || unread == 0;
}

// The peer finds this as the answer to its first call.
void turn_away(const PeerSocket& socket, const proto::Refusal& why) {
    std::string text;
    write_refusal(text, why);
    text += '\0';
    static_cast<void>(Stream(socket.number(), 0).send(text, {}));
}

} // namespace

void Conversation::begin(Broker& broker, PeerSocket socket) {
    const auto uid = Peer::user_of(socket.number());
    if (!uid) {
        spdlog::debug("a peer cannot be told: {}", uid.error().sentence());
        return;
    }
    auto admission = broker.admit(*uid); // before he waits, so that not too many do
    if (!admission) {
        turn_away(socket, admission.error());
        return;
    }
    auto step = [&broker, waiting = std::move(socket), admitted = *std::move(admission)]() mutable {
        open(broker, std::move(waiting), std::move(admitted));
    };
    broker.turns().take(*uid, Turns::Of::newcomer, std::move(step));
}

void Conversation::open(Broker& broker, PeerSocket socket, Admission admission) {
    auto peer = Peer::of(socket.number());
    if (!peer) {
        spdlog::debug("a peer was gone at once: {}", peer.error().sentence());
        return;
    }
    const std::uint32_t uid = peer->caller.uid;
    const auto welcomed = broker.welcome(*std::move(peer), std::move(admission));
    if (!welcomed) {
        turn_away(socket, welcomed.error());
        return;
    }
    const HolderId session = *welcomed;
    bound_unread(socket.number());
    // The coroutine holds what it works on, and nobody else does.
    auto conversation = std::make_shared<Conversation>(broker, uid, session, std::move(socket));
    broker.connect(session, *conversation);
    if (!conversation->socket_.is_open()) { // the kernel can watch no further descriptor
        broker.over(session, *conversation);
        return;
    }
    asio::co_spawn(
        broker.loop(), [conversation] { return conversation->converse(); },
        [conversation](const std::exception_ptr& thrown) {
            if (thrown) { // by an allocation: everything else is a value
                conversation->broken("out of memory");
            }
            conversation->hang_up(); // whatever still waits on the socket lets go of it
            conversation->broker_.over(conversation->session_, *conversation);
        });
}

Conversation::Conversation(Broker& broker, std::uint32_t uid, HolderId session, PeerSocket socket)
    : broker_(broker),
      uid_(uid),
      session_(session),
      connection_(std::move(socket)),
      socket_(broker.loop()),
      timer_(broker.loop()),
      stream_(
          connection_.number(), proto::limits::call_bytes,
          connection_.can_hold_descriptors() ? Stream::Descriptors::refused : Stream::Descriptors::barred) {
    std::error_code failure; // leaves it closed
    socket_.assign(asio::local::stream_protocol(), connection_.number(), failure);
}

// The descriptor is not asio's to close.
Conversation::~Conversation() {
    if (socket_.is_open()) {
        std::error_code ignored;
        static_cast<void>(socket_.release(ignored));
    }
}

// Whatever waits on the socket wakes, and finds it at its end.
void Conversation::hang_up() {
    hung_up_ = true;
    shutdown(connection_.number(), SHUT_RDWR);
    timer_.cancel();
}

bool Conversation::broken(std::string_view cause) {
    if (!hung_up_) {
        broker_.complain(session_, cause);
    }
    return false;
}

asio::awaitable<void> Conversation::converse() {
    bool going_on = true;
    for (std::size_t calls = 1; going_on; ++calls) {
        const auto message = stream_.take();
        if (!message) {
            going_on = co_await receive();
            continue;
        }
        if (calls % proto::limits::calls_in_a_row == 0 || broker_.turns().is_over()) {
            co_await broker_.turns().come(uid_);
        }
        if (hung_up_) { // its session goes on on another line, where what was not answered is made again
            co_return;
        }
        going_on = co_await reply_to(*message);
    }
}

asio::awaitable<bool> Conversation::receive() {
    rest();
    if (!co_await wait_for(Socket::wait_read)) {
        co_return false;
    }
    const auto received = stream_.receive();
    if (!received) {
        co_return broken(received.error().sentence());
    }
    if (*received == Stream::Received::nothing_yet) { // so nothing is left of the time before it refused them
        connection_.all_is_read();
        if (!connection_.can_hold_descriptors()) {
            stream_.set_descriptors(Stream::Descriptors::barred);
        }
    }
    if (!hold_calls()) {
        co_return broken("its user's processes leave too many calls unfinished");
    }
    if (*received == Stream::Received::end) {
        co_return stream_.inside_message() && broken("its last call was cut off");
    }
    co_return true;
}

// An idle connection holds little; what has come of a call stays.
void Conversation::rest() {
    if (stream_.inside_message()) {
        return;
    }
    stream_.give_back_memory(proto::limits::idle_buffer_bytes);
    calls_ = {};
    if (std::exchange(largest_call_, 0) > small_call) {
        proto::JsonDocument none; // to assign an empty one would keep its memory
        std::swap(document_, none);
    }
    if (out_.text.capacity() > kept_bytes) {
        std::string().swap(out_.text);
    }
}

// Counts what the connection holds of calls as its user's, if that is much.
bool Conversation::hold_calls() {
    if (stream_.held_bytes() <= proto::limits::idle_buffer_bytes + small_call) {
        return true;
    }
    calls_ = {};
    auto charge = broker_.charge(uid_, Resource::call_bytes, stream_.held_bytes());
    if (!charge) {
        return false;
    }
    calls_ = *std::move(charge);
    return true;
}

// NOLINTNEXTLINE(*-reference-coroutine-parameters): converse() awaits it, and keeps the message until then
asio::awaitable<bool> Conversation::reply_to(const Stream::Message& message) {
    if (!message.fds.empty()) {
        co_return broken("a call brought descriptors, and no method takes any");
    }
    largest_call_ = std::max(largest_call_, message.text.size());
    const auto call = read_call(document_, message.text);
    if (!call) {
        co_return broken("what came is not a call");
    }
    std::string kept = std::move(out_.text); // for its memory
    kept.clear();
    out_ = {};
    if (kept.capacity() <= kept_bytes) {
        out_.text = std::move(kept);
    }
    broker_.answer(session_, *this, *call, out_);
    session_ = out_.session;
    if (out_.condition) {
        co_await wait_for_condition();
    }
    bool sent = co_await send();
    broker_.let_go(std::move(out_.memory));
    using enum Outgoing::Stream;
    const auto next = std::move(out_.next);
    for (auto stream = next != nullptr ? goes_on : ends; sent && stream != ends;) {
        out_.text.clear();
        stream = next(out_);
        if (stream == waits) {
            sent = co_await wait_for_news();
            co_await broker_.turns().come(uid_); // one event can wake a thousand of these
        } else {
            sent = co_await send();
            co_await broker_.turns().come(uid_);
        }
    }
    out_.stream = {};
    co_return sent && !out_.hang_up;
}

// Until what the reply tells of is done, it is not sent; if it cannot be done, that is told instead.
asio::awaitable<void> Conversation::wait_for_condition() {
    const auto condition = out_.condition;
    condition->wake = [this] { timer_.cancel(); };
    while (!condition->met) {
        std::error_code cancelled;
        timer_.expires_at(asio::steady_timer::time_point::max());
        co_await timer_.async_wait(redirect_error(use_awaitable, cancelled));
    }
    if (condition->refusal && !out_.text.empty()) {
        out_.text.clear();
        out_.fd = -1;
        write_refusal(out_.text, *condition->refusal);
    }
    condition->wake = nullptr;
}

// Waits until what is watched has something to tell; false, if the peer wants to hear no more.
asio::awaitable<bool> Conversation::wait_for_news() {
    if (!looks_for_the_end_) {
        looks_for_the_end_ = true;
        out_.watcher->when_something_happens([this] { timer_.cancel(); }); // it ends before this does
        look_for_the_end();
    }
    if (!hung_up_) {
        std::error_code cancelled;
        timer_.expires_at(asio::steady_timer::time_point::max());
        co_await timer_.async_wait(redirect_error(use_awaitable, cancelled));
    }
    co_return !hung_up_;
}

// A stream that waits for news has no other way to notice that its peer is gone. Nor would a further call
// ever be answered: whatever comes ends the conversation.
void Conversation::look_for_the_end() {
    socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const std::error_code& failure) {
        char byte = 0;
        const ssize_t size = recv(self->socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (!failure && size < 0 && (errno == EAGAIN || errno == EINTR)) {
            self->look_for_the_end();
        } else {
            self->hang_up();
        }
    });
}

// Sends the reply that was made, if there is one.
asio::awaitable<bool> Conversation::send() {
    if (out_.text.empty()) {
        co_return true;
    }
    // Where the reply to the next call may have to wait until this one is read, that has to be noticed.
    if (out_.fd < 0 && stream_.inside_message() && out_.text.size() < noticed_bytes) {
        out_.text.resize(noticed_bytes, ' ');
    }
    out_.text += '\0';
    if (out_.fd >= 0 && !co_await make_way_for_descriptor()) {
        co_return false;
    }
    last_had_fd_ = out_.fd >= 0;
    std::string_view rest = out_.text;
    std::optional<proto::Answer<Charge>> unread;
    while (true) {
        const auto sent = stream_.send(rest, std::span(&out_.fd, out_.fd >= 0 ? 1 : 0));
        if (!sent) {
            const auto& code = sent.error().code;
            if (is_shortage(code.value()) && co_await wait_out_shortage()) {
                continue;
            }
            co_return code != std::errc::broken_pipe&& broken(sent.error().sentence());
        }
        shortage_ = {};
        rest.remove_prefix(*sent);
        if (*sent > 0) {
            out_.fd = -1;
        }
        if (rest.empty()) {
            co_return true;
        }
        // A session that has said goodbye counts no more, and cannot wait at the broker's expense.
        if (!unread) {
            unread = broker_.wait_for_reader(session_, out_.text.size());
        }
        if (!*unread) {
            co_return broken("its user leaves too many replies unread");
        }
        if (out_.hang_up || !co_await wait_for(Socket::wait_write)) {
            co_return false;
        }
    }
}

// A reader may get a message without descriptors and the next one with some in one read, and then cannot tell
// whose they are: so the second waits until the first is read. And descriptors that are not received yet are
// few: the kernel lets all processes of the daemon's user together have no more in flight than one of them
// may have open. So they count as open ones; one of each connection goes with what its session takes.
asio::awaitable<bool> Conversation::make_way_for_descriptor() {
    if (all_is_read(connection_.number())) {
        fds_in_flight_.clear();
        co_return true;
    }
    if (last_had_fd_ && fds_in_flight_.size() + 1 < proto::limits::descriptors_in_flight) {
        if (auto charge = broker_.charge(uid_, Resource::descriptors, 1)) {
            fds_in_flight_.push_back(*std::move(charge));
            co_return true;
        }
    }
    const auto unread = broker_.wait_for_reader(session_, out_.text.size());
    if (!unread) {
        co_return broken("its user leaves too many replies unread");
    }
    const bool is_read = co_await wait_until_all_is_read();
    fds_in_flight_.clear();
    co_return is_read;
}

// The kernel tells when a socket becomes writable, which is made to be when all is read but one short
// message. Of that it tells nothing: it is looked for, less and less often.
asio::awaitable<bool> Conversation::wait_until_all_is_read() {
    constexpr std::chrono::milliseconds longest{1000};
    const int socket = connection_.number();
    bound_unread(socket, least_unread_bytes);
    for (std::chrono::milliseconds time{1}; !hung_up_ && !all_is_read(socket);
         time = std::min(2 * time, longest)) {
        std::error_code failure;
        co_await socket_.async_wait(Socket::wait_write, redirect_error(use_awaitable, failure));
        if (failure) {
            co_return false;
        }
        if (!hung_up_ && !all_is_read(socket)) {
            co_await pause(time);
        }
    }
    bound_unread(socket);
    co_return !hung_up_;
}

// Others have to receive, or to give back, what they have: waits some time for that, but not for ever.
asio::awaitable<bool> Conversation::wait_out_shortage() {
    constexpr std::chrono::milliseconds longest = std::chrono::seconds(10);
    if (hung_up_ || out_.hang_up || shortage_ >= longest) {
        co_return false;
    }
    const auto time = std::clamp<std::chrono::milliseconds>(shortage_ / 2, std::chrono::milliseconds(5),
                                                            std::chrono::milliseconds(500));
    shortage_ += time;
    co_await pause(time);
    co_return !hung_up_;
}

asio::awaitable<void> Conversation::pause(std::chrono::milliseconds time) {
    std::error_code cancelled;
    timer_.expires_after(time);
    co_await timer_.async_wait(redirect_error(use_awaitable, cancelled));
}

asio::awaitable<bool> Conversation::wait_for(Socket::wait_type readiness) {
    std::error_code failure;
    co_await socket_.async_wait(readiness, redirect_error(use_awaitable, failure));
    if (!failure && !broker_.turns().is_now()) { // to ask first makes a lone call cheaper
        co_await broker_.turns().come(uid_);
    }
    co_return !failure;
}

} // namespace memshare::daemon
