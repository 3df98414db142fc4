// What clients of the system's broker do, while it is for others to kill it: a storm, for as long as
// something is said on stdin; to hold a lock until it is killed; to wait for a lock, and say from which
// process it came. Exits with 1, if anything is lost.
#include "tests/support/with_broker.h"
#include "tests/system/storm.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <iostream>
#include <string>

namespace memshare::test {
namespace {

void blow(const std::string& socket_path) {
    Storm storm(socket_path);
    std::cout << "it blows" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        std::cout << (storm.get_on() ? "they get on" : "they do not get on") << std::endl;
    }
    storm.end();
    std::cout << storm.summary() << std::endl;
}

void hold(Broker& broker, const std::string& name) {
    const auto value = Value<std::int32_t>::open(name, {.broker = &broker});
    value.mutex().lock();
    std::cout << getpid() << std::endl;
    pause();
}

void inherit(Broker& broker, const std::string& name) {
    const auto value = Value<std::int32_t>::open(name, {.broker = &broker});
    std::cout << "waiting" << std::endl;
    EXPECT_TRUE(value.mutex().try_lock_for(long_enough));
    const auto dead = value.mutex().recovered();
    value.mutex().unlock();
    std::cout << "from " << (dead ? dead->program : "nobody") << std::endl;
}

} // namespace
} // namespace memshare::test

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 2 && words[1] == "blow") {
        memshare::test::blow(words[0]);
    } else if (words.size() == 3 && (words[1] == "hold" || words[1] == "inherit")) {
        memshare::Broker broker(words[0]);
        (words[1] == "hold" ? memshare::test::hold : memshare::test::inherit)(broker, words[2]);
    } else {
        std::cerr << "usage: service_client SOCKET blow|hold NAME|inherit NAME\n";
        return 2;
    }
    return testing::Test::HasFailure() ? 1 : 0;
}
