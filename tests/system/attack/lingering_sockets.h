// Descriptors of TCP sockets whose close() waits, as they linger with data that nobody takes: in a call, in
// half a message, and behind calls whose answers are not read.
#pragma once

#include "tests/system/attack/means.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace memshare::test::attack {

class LingeringSocket {
  public:
    LingeringSocket() {
        constexpr int little = 4096;
        const auto listening = proto::Fd::adopt(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        setsockopt(listening.number(), SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        auto* const place = reinterpret_cast<sockaddr*>(&address);
        if (bind(listening.number(), place, size) != 0 || listen(listening.number(), 1) != 0 ||
            getsockname(listening.number(), place, &size) != 0) {
            throw std::runtime_error("cannot listen");
        }
        sending_ = proto::Fd::adopt(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (connect(sending_.number(), place, size) != 0) {
            throw std::runtime_error("cannot connect");
        }
        receiving_ = proto::Fd::adopt(accept4(listening.number(), nullptr, nullptr, SOCK_CLOEXEC));
        const std::string unread(65536, 'x');
        while (send(sending_.number(), unread.data(), unread.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
        }
        linger(2);
    }
    LingeringSocket(const LingeringSocket&) = delete;
    LingeringSocket& operator=(const LingeringSocket&) = delete;
    ~LingeringSocket() { linger(0); } // or our own close() would wait as well

    int number() const { return sending_.number(); }

  private:
    void linger(int seconds) const {
        const ::linger how{.l_onoff = 1, .l_linger = seconds};
        setsockopt(sending_.number(), SOL_SOCKET, SO_LINGER, &how, sizeof(how));
    }

    proto::Fd sending_, receiving_;
};

inline void lingering_sockets(const std::string& socket_path) {
    const LingeringSocket lingering;
    const std::array descriptors{lingering.number()};
    RawPeer calls(socket_path);
    calls.send(RawPeer::text_of("List"), descriptors);
    RawPeer half(socket_path);
    half.send("{", descriptors);
    half.close();
    RawPeer unread(socket_path);
    while (unread.send_what_goes(RawPeer::text_of("org.varlink.service.GetInfo"))) {
    }
    const char one = '{';
    iovec part{const_cast<char*>(&one), 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    *reinterpret_cast<int*>(CMSG_DATA(rights)) = lingering.number();
    sendmsg(unread.socket(), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    calls.is_ended();
    std::this_thread::sleep_for(a_while);
}

} // namespace memshare::test::attack
