#include "tests/bench/flood.h"

#include "proto/calls.h"
#include "proto/fd.h"
#include "proto/limits.h"
#include "proto/socket_address.h"
#include "proto/varlink.h"
#include "tests/bench/shared.h"
#include <memshare/element.hpp>

#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <system_error>

namespace memshare::bench {

using proto::Fd;
using proto::SocketAddress;
using proto::Wants;

namespace {

void check(bool done, const char* what) {
    if (!done) {
        throw std::system_error(errno, std::system_category(), what);
    }
}

// A connection of somebody who cares for nothing that comes of it: the broker may have ended it.
class Line {
  public:
    explicit Line(const std::string& path)
        : socket_(Fd::adopt(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))) {
        const auto address = SocketAddress::of(path).value();
        check(connect(socket_.number(), address.data(), SocketAddress::size()) == 0, "connect a flood");
    }

    // Sends as much of these calls as goes without waiting, and the next time what is left of them; whether
    // anything went.
    bool pour(std::string_view calls) {
        rest_ = rest_.empty() ? calls : rest_;
        const ssize_t sent = send(socket_.number(), rest_.data(), rest_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        rest_.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
        return sent > 0;
    }

    // Throws away what has come, with its descriptors; false, if this is the end.
    bool drain() const {
        std::array<char, 65536> bytes; // NOLINT(*-member-init): the kernel writes it
        ssize_t size = 0;
        while ((size = recv(socket_.number(), bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0) {
        }
        return size < 0 && errno == EAGAIN;
    }

    int socket_number() const { return socket_.number(); }

  private:
    Fd socket_;
    std::string_view rest_; // of the calls that were begun
};

template <typename Call> std::string times(std::size_t count, const Call& call, Wants wants = Wants::reply) {
    std::string one;
    write_call(one, call, wants);
    one += '\0';
    std::string all;
    for (; count > 0; --count) {
        all += one;
    }
    return all;
}

std::string creations(std::size_t count, std::uint64_t bytes) {
    proto::Create create;
    create.form = proto::Form::array;
    create.element = element_of<std::byte>();
    create.count = bytes;
    return times(count, create);
}

void wait_until_any(const std::vector<Line>& lines, short event) {
    std::vector<pollfd> all;
    for (const Line& line : lines) {
        all.push_back({.fd = line.socket_number(), .events = event, .revents = 0});
    }
    poll(all.data(), all.size(), 10);
}

std::vector<Line> connected(const std::string& path, std::size_t count) {
    std::vector<Line> lines;
    while (lines.size() < count) {
        lines.emplace_back(path);
    }
    return lines;
}

// Many small ones and many large ones, until his limit allows no more, again and again.
void take_segments(const std::string& path) {
    const std::string calls =
        creations(2000, 1) + creations(100, proto::limits::MiB) + times(1, proto::Goodbye{});
    Line line(path);
    for (bool going_on = true; going_on; going_on = line.drain()) {
        line.pour(calls);
        pollfd ready{.fd = line.socket_number(), .events = POLLIN, .revents = 0};
        poll(&ready, 1, 10);
    }
}

void take_sessions(const std::string& path) {
    constexpr std::size_t most_of_them = 200;
    auto lines = connected(path, most_of_them);
    const std::string call = times(1, proto::GetInfo{});
    for (Line& line : lines) {
        line.pour(call);
    }
    pollfd last{.fd = lines.back().socket_number(), .events = POLLIN, .revents = 0};
    poll(&last, 1, 1000);
}

// Without waiting for the answers, but not without reading them.
void call_ahead(const std::string& path) {
    constexpr std::size_t callers = 16;
    constexpr int rounds = 1000;
    const std::string calls = times(10, proto::List{}) + times(50, proto::GetInfo{});
    auto lines = connected(path, callers);
    for (int round = 0; round < rounds; ++round) {
        for (Line& line : lines) {
            line.pour(calls);
            line.drain();
        }
        wait_until_any(lines, POLLIN);
    }
}

// Until nothing more goes in, and then as somebody else.
void leave_answers_unread(const std::string& path) {
    constexpr std::size_t callers = 32;
    const std::string calls = times(100, proto::List{}, Wants::more);
    auto lines = connected(path, callers);
    for (int full = 0; full < 3;) {
        const auto gone = std::ranges::count_if(lines, [&](Line& line) { return line.pour(calls); });
        if (gone == 0) {
            ++full;
            wait_until_any(lines, POLLOUT);
        }
    }
}

constexpr std::array ways{take_segments, take_sessions, call_ahead, leave_answers_unread};

} // namespace

bool can_become_others() { return geteuid() == 0; }

void become(uid_t user) {
    setsid();
    check(setgroups(0, nullptr) == 0 && setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0,
          "become another user");
    prctl(PR_SET_PDEATHSIG, SIGKILL); // forgotten with the user before
    prctl(PR_SET_DUMPABLE, 1);        // so that /proc/self is his
}

Flood::Flood(const std::string& broker_path) {
    const Shared<std::array<Gate, ways.size()>> at_it;
    for (std::size_t way = 0; way < ways.size(); ++way) {
        processes_.emplace_back([&] {
            become(hostile_user);
            ways[way](broker_path);
            (*at_it)[way].open();
            while (true) {
                ways[way](broker_path);
            }
        });
    }
    for (Gate& gate : *at_it) {
        gate.pass();
    }
}

} // namespace memshare::bench
