#include "daemon/passed_descriptors.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace memshare::daemon {
namespace {

#ifdef SO_PASSRIGHTS
constexpr int so_passrights = SO_PASSRIGHTS;
#elif defined(__hppa__)
constexpr int so_passrights = 0x4051;
#elif defined(__sparc__)
constexpr int so_passrights = 0x005c;
#else
constexpr int so_passrights = 83; // younger than our C library's headers
#endif

// More than a peer without privileges can have in flight; what is left after that is taken for the worst.
constexpr std::size_t most_looks = 16;

} // namespace

bool refuse_descriptors(int socket) {
    constexpr int no = 0;
    return setsockopt(socket, SOL_SOCKET, so_passrights, &no, sizeof(no)) == 0;
}

// A look without room for descriptors takes none, and the kernel tells that there are some.
bool holds_descriptors_at_its_end(int socket) {
    shutdown(socket, SHUT_RDWR);
    std::array<char, 65536> bytes; // NOLINT(*-member-init): the kernel writes what is read
    for (std::size_t look = 0; look < most_looks;) {
        iovec part{bytes.data(), bytes.size()};
        msghdr header{};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        const ssize_t size = recvmsg(socket, &header, MSG_PEEK | MSG_DONTWAIT);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return size < 0 && errno != EAGAIN && errno != ENOTCONN && errno != EINVAL;
        }
        if ((header.msg_flags & MSG_CTRUNC) != 0) {
            return true;
        }
        static_cast<void>(recv(socket, bytes.data(), static_cast<std::size_t>(size), MSG_DONTWAIT));
        ++look;
    }
    return true;
}

} // namespace memshare::daemon
