// Many who come, make, attach and are killed: afterwards the daemon is as it was. How many is
// $MEMSHARE_TEST_CYCLES.
#include "tests/support/chance.h"
#include "tests/support/with_broker.h"

#include <cstdlib>

namespace memshare::test {
namespace {

class ManyCycles : public WithBroker {
  protected:
    struct State {
        std::size_t fds = 0;
        std::vector<std::uint64_t> used; // of each resource, in all
        bool operator==(const State&) const = default;
    };

    State state() {
        State now{.fds = daemon.open_fds(), .used = {}};
        for (const Usage& usage : broker.statistics().total) {
            now.used.push_back(usage.used);
        }
        return now;
    }

    // One that makes a segment, attaches and locks another, and is killed with all of it.
    void go_round() {
        ChildProcess one([this](Lines& parent) {
            Broker own(daemon.socket_path());
            const auto mine = Array<int>::create("mine", 100, {.broker = &own});
            auto opened = Value<std::uint64_t>::open("shared", {.broker = &own});
            opened.mutex().lock();
            opened.fetch_add(1);
            parent.say("has it all");
            parent.hear();
        });
        ASSERT_EQ(one.hear(), "has it all");
        one.kill();
    }

    Value<std::uint64_t> shared = Value<std::uint64_t>::create("shared", 0, {.broker = &broker});
};

TEST_F(ManyCycles, OfCreateAttachAndKillLeaveTheDaemonAsItWas) {
    const auto cycles = setting("MEMSHARE_TEST_CYCLES", 500);
    const State before = state();
    for (int warm_up = 0; warm_up < 100; ++warm_up) {
        ASSERT_NO_FATAL_FAILURE(go_round());
    }
    const std::size_t resident = daemon.resident_bytes();
    for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
        ASSERT_NO_FATAL_FAILURE(go_round());
    }
    EXPECT_EQ(shared.load(), cycles + 100);
    EXPECT_TRUE(eventually([&] { return state() == before; }));
    ASSERT_TRUE(shared.mutex().try_lock_for(long_enough)) << "the last holder's death was seen";
    shared.mutex().unlock();
    EXPECT_LE(daemon.resident_bytes(), resident + (sanitized ? 256 : 1) * 1024 * 1024);
    const std::string doctor = std::string(MEMSHARECTL) + " --socket " + daemon.socket_path() + " doctor";
    EXPECT_EQ(std::system(doctor.c_str()), 0);
}

} // namespace
} // namespace memshare::test
