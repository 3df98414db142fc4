// Processes of different PID namespaces, as those of containers are, share a lock though they have one pid.
#include "tests/support/first_process.h"
#include "tests/support/shared.h"
#include "tests/support/with_broker.h"

#include <atomic>
#include <mutex>

namespace memshare::test {
namespace {

class TwoProcessesOfOneNumber : public WithBroker {
  protected:
    // Has the lock, and keeps it until it is told something or killed.
    FirstProcess holder() {
        return FirstProcess([this](Lines& test) {
            Broker own(daemon.socket_path());
            const auto same = Array<int>::open("arr", {.broker = &own});
            const std::scoped_lock lock(same.mutex());
            test.say("locked");
            test.hear();
            EXPECT_TRUE(same.mutex().is_held());
        });
    }

    // Waits for the lock, and says from whom it came.
    FirstProcess waiter() {
        return FirstProcess([this](Lines& test) {
            Broker own(daemon.socket_path());
            const auto same = Array<int>::open("arr", {.broker = &own});
            EXPECT_FALSE(same.mutex().is_held());
            EXPECT_FALSE(same.mutex().try_lock());
            const std::scoped_lock lock(same.mutex());
            const auto dead = same.mutex().recovered();
            test.say(dead ? std::to_string(dead->pid) : "nobody");
        });
    }

    void wait_for_a_waiter() {
        ASSERT_TRUE(eventually([this] { return broker.describe("arr").lock.waiting; }));
    }

    Array<int> numbers = Array<int>::create("arr", 1, {.broker = &broker});
};

TEST_F(TwoProcessesOfOneNumber, AreNeverInsideALockTogether) {
    NEEDS_ROOT();
    struct Board {
        std::atomic<int> inside, met_another, ready;
    };
    const Shared<Board> board;
    constexpr int rounds = 200'000;
    const auto count = [&](Lines&) {
        Broker own(daemon.socket_path());
        const auto same = Array<int>::open("arr", {.broker = &own});
        ++board->ready;
        EXPECT_TRUE(eventually([&] { return board->ready == 2; }));
        for (int round = 0; round < rounds; ++round) {
            const std::scoped_lock lock(same.mutex());
            board->met_another += board->inside.exchange(1);
            ++same[0];
            board->inside = 0;
        }
    };
    FirstProcess one(count);
    FirstProcess other(count);
    EXPECT_EQ(one.wait(), 0);
    EXPECT_EQ(other.wait(), 0);
    EXPECT_EQ(board->met_another, 0);
    EXPECT_EQ(numbers[0], 2 * rounds);
}

TEST_F(TwoProcessesOfOneNumber, AreNotTakenForOneAnotherWhenTheWaiterIsKilled) {
    NEEDS_ROOT();
    auto one = holder();
    ASSERT_EQ(one.hear(), "locked");
    auto other = waiter();
    wait_for_a_waiter();
    other.kill();
    ASSERT_TRUE(eventually([this] { return broker.describe("arr").attachments.size() == 2; }));
    const LockInfo lock = broker.describe("arr").lock;
    EXPECT_EQ(lock.recoveries, 0U);
    ASSERT_TRUE(lock.holder);
    EXPECT_EQ(lock.holder->pid, one.pid());
    EXPECT_FALSE(numbers.mutex().try_lock_for(milliseconds(20)));
    one.say("let go");
    EXPECT_EQ(one.wait(), 0);
    ASSERT_TRUE(numbers.mutex().try_lock_for(long_enough));
    EXPECT_FALSE(numbers.mutex().recovered());
    numbers.mutex().unlock();
}

TEST_F(TwoProcessesOfOneNumber, PassTheLockOnWhenTheHolderIsKilled) {
    NEEDS_ROOT();
    auto one = holder();
    ASSERT_EQ(one.hear(), "locked");
    auto other = waiter();
    wait_for_a_waiter();
    one.kill();
    EXPECT_EQ(other.hear(), std::to_string(one.pid()));
    EXPECT_EQ(other.wait(), 0);
    EXPECT_EQ(broker.describe("arr").lock.recoveries, 1U);
}

} // namespace
} // namespace memshare::test
