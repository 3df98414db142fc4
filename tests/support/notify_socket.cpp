#include "tests/support/notify_socket.h"

#include "tests/support/patience.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace memshare::test {

using proto::Fd;

NotifySocket::NotifySocket() : socket_(Fd::adopt(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    socklen_t size = sizeof(sa_family_t);
    bind(socket_.number(), reinterpret_cast<const sockaddr*>(&address), size);
    size = sizeof(address);
    getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&address), &size);
    name_.assign(address.sun_path, size - offsetof(sockaddr_un, sun_path));
    name_[0] = '@';
}

std::string NotifySocket::Message::after(const std::string& key) const {
    const auto at = text.find(key);
    return at == std::string::npos ? "" : text.substr(at + key.size(), text.find('\n', at) - at - key.size());
}

std::optional<NotifySocket::Message> NotifySocket::take() {
    std::array<char, 4096> text{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 253)> control{};
    iovec data{.iov_base = text.data(), .iov_len = text.size()};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = recvmsg(socket_.number(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) {
        return std::nullopt;
    }
    Message taken{.text = std::string(text.data(), static_cast<std::size_t>(size)), .fds = {}};
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        for (std::size_t at = 0; at < (part->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++at) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(part) + at * sizeof(int), sizeof(int));
            taken.fds.push_back(Fd::adopt(number));
        }
    }
    return taken;
}

std::optional<NotifySocket::Message> NotifySocket::wait(pid_t process) {
    const Fd alive = Fd::adopt(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
    std::array<pollfd, 2> either{pollfd{socket_.number(), POLLIN, 0}, pollfd{alive.number(), POLLIN, 0}};
    if (poll(either.data(), 2, static_cast<int>(milliseconds(long_enough).count())) <= 0) {
        throw std::runtime_error("the service says nothing");
    }
    return take();
}

} // namespace memshare::test
