#include "tests/bench/minimal_server.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <system_error>
#include <unordered_map>

namespace memshare::bench {

using proto::Fd;
using proto::Mapping;

namespace {

constexpr std::chrono::microseconds longest_look{50};
constexpr unsigned noexec_seal = 8; // MFD_NOEXEC_SEAL

[[noreturn]] void fail(const char* during) { throw std::system_error(errno, std::system_category(), during); }

// Receives one message of a known size, first awake if it may. False: the other side is gone.
bool receive_whole(int socket, msghdr& header, std::size_t size, bool spinning) {
    const auto control_size = header.msg_controllen;
    ssize_t received = -1;
    if (spinning) {
        using Clock = std::chrono::steady_clock;
        const auto until = Clock::now() + longest_look;
        do {
            header.msg_controllen = control_size;
            received = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        } while (received < 0 && Clock::now() < until);
    }
    if (received < 0) {
        header.msg_controllen = control_size;
        received = recvmsg(socket, &header, MSG_WAITALL | MSG_CMSG_CLOEXEC);
    }
    if (received != 0 && received != static_cast<ssize_t>(size)) {
        fail("receive a message");
    }
    return received != 0;
}

void send_with(int socket, auto message, int fd) {
    iovec part{&message, sizeof(message)};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (fd >= 0) {
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(rights), &fd, sizeof(int));
    }
    if (sendmsg(socket, &header, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof(message))) {
        fail("send a message");
    }
}

// What runs in the server's own process.
class Server {
  public:
    Server(int socket, Waiting waiting) : socket_(socket), waiting_(waiting) {
        if (waiting == Waiting::epoll) {
            epoll_ = Fd::adopt(epoll_create1(EPOLL_CLOEXEC));
            epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
            epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, socket, &event);
        }
    }

    void serve() {
        for (Request request; receive(request);) {
            const std::string name(request.name.data());
            switch (request.wish) {
                case Wish::create:
                    create(name, request.size);
                    break;
                case Wish::attach_to_write:
                    attach(segments_.at(name), segments_.at(name).memory.number());
                    break;
                case Wish::attach_to_read:
                    attach(segments_.at(name), reopened(segments_.at(name)).number());
                    break;
                case Wish::drop:
                    drop(name);
                    break;
            }
        }
    }

  private:
    struct Segment {
        Fd memory;
        std::uint64_t size = 0;
        int attachments = 0;
    };

    bool receive(Request& request) {
        iovec part{&request, sizeof(request)};
        msghdr header{};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        if (waiting_ != Waiting::epoll) {
            return receive_whole(socket_, header, sizeof(request), waiting_ == Waiting::spinning);
        }
        ssize_t size = -1;
        while ((size = recvmsg(socket_, &header, MSG_DONTWAIT)) < 0) {
            epoll_event event{};
            epoll_wait(epoll_.number(), &event, 1, -1);
        }
        return size != 0;
    }

    void create(const std::string& name, std::uint64_t size) {
        Segment& segment = segments_[name];
        if (segment.memory) {
            throw std::runtime_error("the name is taken");
        }
        segment.memory = Fd::adopt(memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | noexec_seal));
        segment.size = size;
        const int fd = segment.memory.number();
        if (fd < 0 || ftruncate(fd, static_cast<off_t>(size)) != 0 || fchmod(fd, S_IRUSR | S_IWUSR) != 0 ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
            fail("make a memfd");
        }
        attach(segment, fd);
    }

    void attach(Segment& segment, int fd) const {
        ++segment.attachments;
        send_with(socket_, Granted{.size = segment.size}, fd);
    }

    Fd& reopened(const Segment& segment) {
        const std::string path = "/proc/self/fd/" + std::to_string(segment.memory.number());
        reopened_ = Fd::adopt(open(path.c_str(), O_RDONLY | O_CLOEXEC));
        return reopened_;
    }

    void drop(const std::string& name) {
        if (--segments_.at(name).attachments == 0) {
            segments_.erase(name);
        }
    }

    int socket_;
    Waiting waiting_;
    Fd epoll_;
    Fd reopened_; // the last one; closed by the next
    std::unordered_map<std::string, Segment> segments_;
};

} // namespace

Request request_for(Wish wish, std::string_view name, std::uint64_t size) {
    Request request{.wish = wish, .size = size};
    std::ranges::copy(name.substr(0, request.name.size() - 1), request.name.begin());
    return request;
}

MinimalServer::Sockets MinimalServer::connect() {
    std::array<int, 2> pair{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
        fail("socketpair");
    }
    return {Fd::adopt(pair[0]), Fd::adopt(pair[1])};
}

MinimalServer::MinimalServer(Setting setting, Waiting waiting)
    : setting_(setting), waiting_(waiting), sockets_(connect()), process_([this] {
          sockets_.ours.close();
          const OnlyOn here(server_processors(setting_));
          Server(sockets_.servers.number(), waiting_).serve();
      }) {
    sockets_.servers.close();
}

Mapping MinimalServer::create(std::string_view name, std::uint64_t size) {
    send_with(socket(), request_for(Wish::create, name, size), -1);
    return map_granted(Mapping::Access::write);
}

Mapping MinimalServer::attach(std::string_view name, Wish wish) {
    send_with(socket(), request_for(wish, name), -1);
    return map_granted(wish == Wish::attach_to_read ? Mapping::Access::read : Mapping::Access::write);
}

void MinimalServer::drop(std::string_view name) const {
    send_with(socket(), request_for(Wish::drop, name), -1);
}

Fd MinimalServer::receive(Granted& granted) {
    iovec part{&granted, sizeof(granted)};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const bool came = receive_whole(socket(), header, sizeof(granted), waiting_ == Waiting::spinning);
    const cmsghdr* rights = CMSG_FIRSTHDR(&header);
    if (!came || rights == nullptr) {
        throw std::runtime_error("the minimal server sent no memory");
    }
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
    return Fd::adopt(fd);
}

Mapping MinimalServer::map_granted(Mapping::Access access) {
    Granted granted;
    const Fd memory = receive(granted);
    auto mapping = Mapping::map(memory.number(), granted.size, access);
    if (!mapping) {
        throw std::system_error(mapping.error().code, mapping.error().during);
    }
    return *std::move(mapping);
}

} // namespace memshare::bench
