#include "tests/support/lines.h"

#include "tests/support/patience.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

namespace memshare::test {

// A line is one message of a SOCK_SEQPACKET.
std::pair<Lines, Lines> Lines::pair() {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw std::runtime_error("cannot make a socket pair");
    }
    return {Lines(proto::Fd::adopt(ends[0])), Lines(proto::Fd::adopt(ends[1]))};
}

void Lines::say(std::string_view line) {
    if (send(socket_.number(), line.data(), line.size(), MSG_NOSIGNAL) < 0) {
        throw std::runtime_error("nobody hears \"" + std::string(line) + '"');
    }
}

std::string Lines::hear() {
    pollfd readable{.fd = socket_.number(), .events = POLLIN, .revents = 0};
    if (poll(&readable, 1, static_cast<int>(milliseconds(long_enough).count())) <= 0) {
        throw std::runtime_error("the other process says nothing");
    }
    std::array<char, 4096> line{};
    const ssize_t size = recv(socket_.number(), line.data(), line.size(), 0);
    if (size <= 0) {
        throw std::runtime_error("the other process is gone");
    }
    return {line.data(), static_cast<std::size_t>(size)};
}

} // namespace memshare::test
