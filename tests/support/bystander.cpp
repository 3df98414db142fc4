#include "tests/support/bystander.h"

#include <memshare/memshare.hpp>

#include <poll.h>

#include <algorithm>
#include <sstream>

namespace memshare::test {
namespace {

bool is_called(const Lines& line) {
    pollfd readable{.fd = line.socket(), .events = POLLIN, .revents = 0};
    return poll(&readable, 1, 0) > 0;
}

void go_round(const std::string& socket_path, Lines& parent) {
    Broker broker(socket_path);
    broker.version(); // opens the connection
    Bystander::Saw saw;
    const auto timed = [&saw](const auto& call) {
        const auto start = Clock::now();
        call();
        ++saw.calls;
        saw.longest = std::max(saw.longest, std::chrono::duration_cast<microseconds>(Clock::now() - start));
    };
    const auto round = [&] {
        std::optional<Value<int>> made;
        timed([&] { made = Value<int>::create(unnamed, 7, {.broker = &broker}); });
        timed([&] { broker.describe(made->info().id); });
    };
    round();
    saw = {};
    parent.say("at work");
    do {
        round();
    } while (!is_called(parent));
    parent.hear();
    round();
    parent.say(std::to_string(saw.calls) + " " + std::to_string(saw.longest.count()));
}

} // namespace

Bystander::Bystander(const std::string& socket_path, std::optional<User> user)
    : process_([&socket_path](Lines& parent) { go_round(socket_path, parent); }, user) {
    process_.hear();
}

Bystander::Saw Bystander::leave() {
    process_.say("that is all");
    std::istringstream words(process_.hear());
    Saw saw;
    std::int64_t longest = 0;
    words >> saw.calls >> longest;
    saw.longest = microseconds(longest);
    process_.wait();
    return saw;
}

} // namespace memshare::test
