// A client that is in the middle of something: it holds a persistent value and its lock, and calls the broker
// again and again, until its standard input ends. Then it says what it has.
#include <memshare/memshare.hpp>

#include <poll.h>
#include <unistd.h>

#include <cstdint>
#include <iostream>
#include <mutex>

namespace {

bool input_has_ended() {
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    return poll(&input, 1, 1) > 0;
}

} // namespace

int main() {
    auto value =
        memshare::Value<std::uint64_t>::create("held", 0, {.lifetime = memshare::Lifetime::persistent});
    const std::scoped_lock lock(value.mutex());
    std::cout << "holds\n" << std::flush;
    while (!input_has_ended()) {
        static_cast<void>(memshare::Broker::local().statistics()); // throws if it is refused
        value.fetch_add(1);
    }
    std::cout << value.load() << (value.alive() ? " alive" : " lost") << '\n';
}
