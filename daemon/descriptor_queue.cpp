#include "daemon/descriptor_queue.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace memshare::daemon {

using proto::Fd;
using proto::Result;
using proto::system_error;

namespace {

constexpr int so_peek_off = 42;
constexpr std::size_t most = DescriptorQueue::most_items;

// A message as the kernel takes and gives it: the numbers as its data, the descriptors beside them.
struct Envelope {
    std::array<std::uint32_t, most> numbers; // NOLINT(*-member-init): written before it is read
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int) * most)> control; // NOLINT(*-member-init)
    iovec data{};
    msghdr message{};

    Envelope() { // NOLINT(*-member-init)
        data = {.iov_base = numbers.data(), .iov_len = sizeof(numbers)};
        message.msg_iov = &data;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
    }
};

// Where the next look begins is the socket's own, and may be where another process's look has ended.
Result<void> look_from(int socket, int place) {
    if (setsockopt(socket, SOL_SOCKET, so_peek_off, &place, sizeof(place)) != 0) {
        return system_error("look through the kept descriptors");
    }
    return {};
}

constexpr int start = 0, nowhere = -1; // each look at the first message, as usual

bool is_empty(int socket) {
    static_cast<void>(look_from(socket, nowhere));
    char byte = 0;
    return recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

// As many as can wait before the kernel's own bound (net.core.wmem_max) is met.
void make_room(int socket) {
    constexpr int bytes = 64 * 1024 * 1024;
    setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

std::vector<Fd> descriptors_in(msghdr& message) {
    std::vector<Fd> all;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
            const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (std::size_t at = 0; at < count; ++at) {
                int number = -1;
                std::memcpy(&number, CMSG_DATA(part) + at * sizeof(int), sizeof(int));
                all.push_back(Fd::adopt(number));
            }
        }
    }
    return all;
}

// The next message from where the last look ended; nothing, if that was the last one.
Result<std::optional<std::vector<DescriptorQueue::Shown>>> look_further(int socket,
                                                                        DescriptorQueue::With what) {
    const bool opens = what == DescriptorQueue::With::descriptors;
    Envelope envelope;
    if (!opens) {
        envelope.message.msg_control = nullptr;
        envelope.message.msg_controllen = 0;
    }
    ssize_t size = 0;
    do { // NOLINT(*-avoid-do-while)
        size = recvmsg(socket, &envelope.message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    if (size < 0 && errno == EAGAIN) {
        return std::nullopt;
    }
    if (size < 0) {
        return system_error("look through the kept descriptors");
    }
    const std::size_t count = static_cast<std::size_t>(size) / sizeof(std::uint32_t);
    auto fds = opens ? descriptors_in(envelope.message) : std::vector<Fd>(count);
    if (fds.size() != count) {
        return system_error("open all kept descriptors (a higher LimitNOFILE= lets it)", EMFILE);
    }
    std::vector<DescriptorQueue::Shown> shown;
    shown.reserve(count);
    for (std::size_t at = 0; at < count; ++at) {
        shown.push_back({envelope.numbers.at(at), std::move(fds[at])});
    }
    return shown;
}

} // namespace

Result<DescriptorQueue> DescriptorQueue::create() {
    std::array<int, 2> pair{};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
        return system_error("make a queue for descriptors");
    }
    make_room(pair[0]);
    return DescriptorQueue(Fd::adopt(pair[0]), Fd::adopt(pair[1]));
}

// Either is as good to write to as long as nothing waits; something waits only where it is to be read.
DescriptorQueue DescriptorQueue::adopt(Fd one, Fd other) {
    if (is_empty(other.number()) && !is_empty(one.number())) {
        std::swap(one, other);
    }
    make_room(one.number());
    return {std::move(one), std::move(other)};
}

Result<void> DescriptorQueue::append(std::span<const Item> items) {
    Envelope envelope;
    envelope.data.iov_len = items.size() * sizeof(std::uint32_t);
    envelope.message.msg_controllen = CMSG_SPACE(items.size() * sizeof(int));
    cmsghdr* const header = CMSG_FIRSTHDR(&envelope.message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(items.size() * sizeof(int));
    for (std::size_t at = 0; at < items.size(); ++at) {
        envelope.numbers.at(at) = items[at].number;
        std::memcpy(CMSG_DATA(header) + at * sizeof(int), &items[at].fd, sizeof(int));
    }
    ssize_t sent = 0;
    do { // NOLINT(*-avoid-do-while)
        sent = sendmsg(in_.number(), &envelope.message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? Result<void>(system_error("keep a descriptor")) : Result<void>();
}

void DescriptorQueue::drop_front() {
    char byte = 0;
    static_cast<void>(recv(out_.number(), &byte, 1, MSG_DONTWAIT));
}

Result<void> DescriptorQueue::look_through(With what,
                                           const std::function<void(std::vector<Shown>)>& show) const {
    if (const auto begun = look_from(out_.number(), start); !begun) {
        return begun;
    }
    while (true) {
        auto shown = look_further(out_.number(), what);
        if (!shown) {
            return std::unexpected(shown.error());
        }
        if (!*shown) {
            break;
        }
        show(*std::move(*shown));
    }
    return look_from(out_.number(), nowhere);
}

} // namespace memshare::daemon
