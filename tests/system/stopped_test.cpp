// Who is stopped (SIGSTOP) is not dead: nothing ends, nothing is lost, and all goes on after SIGCONT.
#include "tests/support/with_broker.h"

#include <signal.h>
#include <sys/wait.h>

#include <future>
#include <mutex>

namespace memshare::test {
namespace {

class AStoppedProcess : public WithBroker {
  protected:
    // Makes "mine", has the lock of "shared", and is stopped there. When it goes on, it does that.
    ChildProcess stopped(const std::function<void(Lines& test, Broker& own, Value<int>& mine,
                                                  const Value<int>& shared)>& then) {
        ChildProcess process([&](Lines& test) {
            Broker own(daemon.socket_path());
            auto mine = Value<int>::create("mine", 1, {.broker = &own});
            const auto opened = Value<int>::open("shared", {.broker = &own});
            const std::scoped_lock lock(opened.mutex());
            test.say("locked");
            test.hear();
            then(test, own, mine, opened);
        });
        EXPECT_EQ(process.hear(), "locked");
        stop(process.pid());
        return process;
    }

    Value<int> shared = Value<int>::create("shared", 1, {.broker = &broker});
};

TEST_F(AStoppedProcess, HasItsSegmentsListedOpenedAndWrittenByOthers) {
    auto process = stopped([](Lines&, Broker& own, Value<int>& mine, const Value<int>&) {
        EXPECT_EQ(mine.load(), 2);
        EXPECT_EQ(own.describe("mine").attachments.size(), 2U);
        EXPECT_EQ(Value<int>::create("more", 3, {.broker = &own}).load(), 3);
    });
    EXPECT_TRUE(lists(broker, "mine"));
    auto theirs = Value<int>::open("mine", {.broker = &broker});
    EXPECT_EQ(theirs.load(), 1);
    theirs.store(2);
    EXPECT_TRUE(theirs.mutex().try_lock());
    theirs.mutex().unlock();
    EXPECT_EQ(broker.describe("mine").attachments.size(), 2U);
    process.say("go on");
    go_on(process.pid());
    EXPECT_EQ(process.wait(), 0);
}

TEST_F(AStoppedProcess, KeepsItsLockUntilItGoesOn) {
    auto process = stopped([](Lines& test, Broker&, Value<int>&, const Value<int>& opened) {
        EXPECT_TRUE(opened.mutex().is_held());
        opened.mutex().unlock();
        test.say("unlocked");
        test.hear();
        EXPECT_TRUE(opened.mutex().try_lock()); // for the end of its scope
    });
    EXPECT_FALSE(shared.mutex().try_lock_for(milliseconds(20)));
    const LockInfo lock = broker.describe("shared").lock;
    ASSERT_TRUE(lock.holder);
    EXPECT_EQ(lock.holder->pid, process.pid());
    process.say("unlock");
    go_on(process.pid());
    EXPECT_TRUE(shared.mutex().try_lock_for(long_enough));
    EXPECT_FALSE(shared.mutex().recovered());
    shared.mutex().unlock();
    EXPECT_EQ(process.hear(), "unlocked");
    process.say("end");
    EXPECT_EQ(process.wait(), 0);
}

TEST_F(AStoppedProcess, ThatIsKilledPassesItsLockOnAndTakesItsSegmentsWithIt) {
    auto process = stopped([](auto&&...) {});
    const pid_t pid = process.pid();
    process.kill();
    expect_to_inherit(shared.mutex(), pid);
    EXPECT_TRUE(eventually([&] { return !lists(broker, "mine"); }));
}

// One who has the other end of a turn-taking: it locks, adds one, unlocks, and says so, when it is told to.
class AStoppedDaemon : public WithBroker {
  protected:
    ChildProcess counter() {
        return ChildProcess([&](Lines& test) {
            Broker own(daemon.socket_path());
            auto opened = Value<int>::open("shared", {.broker = &own});
            for (test.say("opened"); test.hear() != "lock and stay"; test.say("counted")) {
                const std::scoped_lock lock(opened.mutex());
                opened.store(opened.load() + 1);
            }
            const std::scoped_lock lock(opened.mutex());
            test.say("locked");
            test.hear();
        });
    }

    void TearDown() override { go_on(daemon.pid()); }

    Value<int> shared = Value<int>::create("shared", 0, {.broker = &broker});
};

TEST_F(AStoppedDaemon, IsNotInTheWayOfDataAndLocks) {
    auto other = counter();
    EXPECT_EQ(other.hear(), "opened");
    stop(daemon.pid());
    for (int round = 1; round <= 100; ++round) {
        std::unique_lock lock(shared.mutex());
        other.say("count");
        EXPECT_EQ(shared.load(), round - 1);
        lock.unlock();
        EXPECT_EQ(other.hear(), "counted");
        EXPECT_EQ(shared.load(), round);
    }
    other.say("lock and stay");
    EXPECT_EQ(other.hear(), "locked");
    EXPECT_FALSE(shared.mutex().try_lock());
}

TEST_F(AStoppedDaemon, AnswersWhenItGoesOn) {
    stop(daemon.pid());
    auto answer = std::async(std::launch::async, [&] { return broker.list().size(); });
    EXPECT_EQ(answer.wait_for(milliseconds(20)), std::future_status::timeout);
    go_on(daemon.pid());
    EXPECT_EQ(answer.get(), 1U);
}

TEST_F(AStoppedDaemon, PassesOnTheLockOfOneThatWasKilledMeanwhileWhenItGoesOn) {
    auto other = counter();
    EXPECT_EQ(other.hear(), "opened");
    other.say("lock and stay");
    EXPECT_EQ(other.hear(), "locked");
    stop(daemon.pid());
    const pid_t pid = other.pid();
    other.kill();
    EXPECT_FALSE(shared.mutex().try_lock_for(milliseconds(20)));
    go_on(daemon.pid());
    expect_to_inherit(shared.mutex(), pid);
}

} // namespace
} // namespace memshare::test
