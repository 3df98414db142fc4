#include "tests/support/raw_peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace memshare::test {

using proto::Fd;

namespace {

constexpr std::size_t most_fds = 253;

bool wait_for(int socket, short what) {
    pollfd ready{.fd = socket, .events = what, .revents = 0};
    return poll(&ready, 1, static_cast<int>(milliseconds(long_enough).count())) > 0;
}

std::vector<Fd> fds_of(const msghdr& header) {
    std::vector<Fd> fds;
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
         part = CMSG_NXTHDR(const_cast<msghdr*>(&header), part)) {
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t at = 0; at < count; ++at) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(part) + at * sizeof(int), sizeof(int));
            fds.push_back(Fd::adopt(number));
        }
    }
    return fds;
}

} // namespace

RawPeer::RawPeer(const std::string& socket_path)
    : socket_(Fd::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    socket_path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (connect(socket_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        throw std::runtime_error("cannot connect to " + socket_path + ": " + std::strerror(errno));
    }
}

bool RawPeer::send(std::string_view bytes, std::span<const int> fds) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(most_fds * sizeof(int))> control{};
    if (!fds.empty()) {
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
    }
    while (part.iov_len > 0) {
        const ssize_t sent = sendmsg(socket_.number(), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && (errno != EAGAIN || !wait_for(socket_.number(), POLLOUT))) {
            return false;
        }
        if (sent > 0) {
            part.iov_base = static_cast<char*>(part.iov_base) + sent;
            part.iov_len -= static_cast<std::size_t>(sent);
            header.msg_control = nullptr;
            header.msg_controllen = 0;
        }
    }
    return true;
}

bool RawPeer::send_what_goes(std::string_view bytes) {
    const ssize_t sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent == static_cast<ssize_t>(bytes.size());
}

std::string RawPeer::text_of(const std::string& method, const Json& parameters, const Json& flags) {
    Json call = flags;
    call["method"] = method.contains('.') ? method : "io.memshare.Broker." + method;
    call["parameters"] = parameters;
    return call.dump() + '\0';
}

bool RawPeer::send_call(const std::string& method, const Json& parameters, const Json& flags) {
    return send(text_of(method, parameters, flags));
}

// Looks for the end of the message first, and then takes exactly that: so no descriptor of the next message
// can be mistaken for one of this.
std::optional<RawPeer::Message> RawPeer::receive() {
    Message message;
    std::string text;
    while (text.empty() || text.back() != '\0') {
        if (!wait_for(socket_.number(), POLLIN)) {
            throw std::runtime_error("the broker does not answer");
        }
        std::array<char, 65536> bytes{};
        const ssize_t there = recv(socket_.number(), bytes.data(), bytes.size(), MSG_PEEK);
        if (there <= 0) {
            return std::nullopt;
        }
        const std::string_view seen(bytes.data(), static_cast<std::size_t>(there));
        iovec part{bytes.data(), std::min(seen.find('\0'), seen.size() - 1) + 1};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(most_fds * sizeof(int))> control{};
        msghdr header{};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        const ssize_t taken = recvmsg(socket_.number(), &header, MSG_CMSG_CLOEXEC);
        if (taken <= 0) {
            return std::nullopt;
        }
        std::vector<Fd> fds = fds_of(header);
        if (!text.empty() && !fds.empty()) {
            throw std::runtime_error("descriptors came in the middle of a message");
        }
        std::ranges::move(fds, std::back_inserter(message.fds));
        text.append(bytes.data(), static_cast<std::size_t>(taken));
    }
    text.pop_back();
    message.json = Json::parse(text);
    return message;
}

RawPeer::Message RawPeer::call(const std::string& method, const Json& parameters) {
    send_call(method, parameters);
    auto answer = receive();
    if (!answer) {
        throw std::runtime_error("the broker ended the connection instead of answering " + method);
    }
    return *std::move(answer);
}

bool RawPeer::is_ended() {
    std::array<char, 65536> bytes{};
    while (wait_for(socket_.number(), POLLIN)) {
        const ssize_t size = recv(socket_.number(), bytes.data(), bytes.size(), 0);
        if (size == 0 || (size < 0 && errno == ECONNRESET)) {
            return true;
        }
    }
    return false;
}

Json array_of_i32(const std::string& name, std::size_t count) {
    return {{"name", name}, {"form", "array"}, {"element", {{"kind", "i32"}}}, {"count", count}};
}

} // namespace memshare::test
