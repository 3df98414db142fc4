#include "daemon/conversation.h"

#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

namespace memshare::daemon {

using asio::redirect_error;
using asio::use_awaitable;
using proto::Fd;
using proto::Stream;

namespace {

// A conversation keeps the memory of its last reply for the next one, up to this.
constexpr std::size_t kept_bytes = 16 * proto::limits::KiB;

// From here on no more than this lies unread in the socket: a peer that does not read its replies makes its
// own conversation wait, and nobody else's.
void bound_unread(int socket) {
    const int bytes = proto::limits::unread_reply_bytes;
    setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

bool all_is_read(int socket) {
    int unread = 0;
    return ioctl(socket, SIOCOUTQ, &unread) != 0 || unread == 0;
}

// The peer finds this as the answer to its first call.
void turn_away(Fd socket, const proto::Refusal& why) {
    std::string text;
    write_refusal(text, why);
    text += '\0';
    static_cast<void>(Stream(socket.number(), 0).send(text, {}));
}

} // namespace

void Conversation::begin(Broker& broker, Fd socket) {
    const auto uid = Peer::user_of(socket.number());
    if (!uid) {
        spdlog::debug("a peer cannot be told: {}", uid.error().sentence());
        return;
    }
    auto admission = broker.admit(*uid); // before he waits, so that not too many do
    if (!admission) {
        turn_away(std::move(socket), admission.error());
        return;
    }
    auto step = [&broker, waiting = std::move(socket), admitted = *std::move(admission)]() mutable {
        open(broker, std::move(waiting), std::move(admitted));
    };
    broker.turns().take(*uid, Turns::Of::newcomer, std::move(step));
}

void Conversation::open(Broker& broker, Fd socket, Admission admission) {
    auto peer = Peer::of(socket.number());
    if (!peer) {
        spdlog::debug("a peer was gone at once: {}", peer.error().sentence());
        return;
    }
    const std::uint32_t uid = peer->caller.uid;
    const auto welcomed = broker.welcome(*std::move(peer), std::move(admission));
    if (!welcomed) {
        turn_away(std::move(socket), welcomed.error());
        return;
    }
    const HolderId session = *welcomed;
    bound_unread(socket.number());
    // The coroutine holds what it works on, and nobody else does.
    auto conversation = std::make_shared<Conversation>(broker, uid, session, std::move(socket));
    broker.connect(session, *conversation);
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

Conversation::Conversation(Broker& broker, std::uint32_t uid, HolderId session, Fd socket)
    : broker_(broker),
      uid_(uid),
      session_(session),
      socket_(broker.loop(), asio::local::stream_protocol(), socket.release()),
      timer_(broker.loop()),
      stream_(socket_.native_handle(), proto::limits::call_bytes) {}

// Whatever waits on the socket wakes, and finds it at its end.
void Conversation::hang_up() {
    hung_up_ = true;
    shutdown(socket_.native_handle(), SHUT_RDWR);
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
    if (!co_await wait_for(Socket::wait_read)) {
        co_return false;
    }
    const auto received = stream_.receive();
    if (!received) {
        co_return broken(received.error().sentence());
    }
    if (*received == Stream::Received::end) {
        co_return stream_.inside_message() && broken("its last call was cut off");
    }
    co_return true;
}

// NOLINTNEXTLINE(*-reference-coroutine-parameters): converse() awaits it, and keeps the message until then
asio::awaitable<bool> Conversation::reply_to(const Stream::Message& message) {
    if (!message.fds.empty()) {
        co_return broken("a call brought descriptors, and no method takes any");
    }
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
    out_.text += '\0';
    // A reader may get a message without descriptors and the next one with some in one read, and then cannot
    // tell whose they are.
    if (out_.fd >= 0 && !last_had_fd_ && !all_is_read(socket_.native_handle())) {
        if (!co_await wait_until_all_is_read()) {
            co_return false;
        }
    }
    last_had_fd_ = out_.fd >= 0;
    std::string_view rest = out_.text;
    std::optional<proto::Answer<Charge>> unread;
    while (true) {
        const auto sent = stream_.send(rest, std::span(&out_.fd, out_.fd >= 0 ? 1 : 0));
        if (!sent) {
            co_return sent.error().code != std::errc::broken_pipe&& broken(sent.error().sentence());
        }
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

asio::awaitable<bool> Conversation::wait_until_all_is_read() {
    constexpr std::chrono::milliseconds longest{100};
    for (std::chrono::milliseconds pause{1}; !all_is_read(socket_.native_handle());
         pause = std::min(2 * pause, longest)) {
        if (hung_up_) {
            co_return false;
        }
        std::error_code cancelled;
        timer_.expires_after(pause); // the kernel tells nobody when a peer has read
        co_await timer_.async_wait(redirect_error(use_awaitable, cancelled));
    }
    co_return true;
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
