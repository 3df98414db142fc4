// The mark on a lock whose holder died: it stays until a holder has been told who that was.
#include "tests/support/with_broker.h"

#include <csignal>
#include <mutex>
#include <thread>

namespace memshare::test {
namespace {

struct Pair {
    std::int64_t a, b;
};

class AMarkedLock : public WithBroker {
  protected:
    Value<Pair> pair = Value<Pair>::create("pair", {}, {.broker = &broker});
    Mutex& mutex = pair.mutex();

    // Kills a process that holds the lock, and returns its pid when the broker has passed the lock on.
    pid_t die_holding_it() {
        ChildProcess holder([this](Lines& parent) {
            Broker own(daemon.socket_path());
            const auto same = Value<Pair>::open("pair", {.broker = &own});
            same.mutex().lock();
            parent.say("locked");
            parent.hear();
        });
        EXPECT_EQ(holder.hear(), "locked");
        const pid_t pid = holder.pid();
        holder.kill();
        auto segment = Segment::open("pair", Access::read, {}, {.broker = &broker});
        EXPECT_TRUE(eventually([&] { return segment.header().lock.word == abi::died_bit; }));
        return pid;
    }

    // The pid that the next holder is told; -1, if it is told of nobody. (On a machine that is busy the
    // broker's answer may take longer than recovered() waits for it: then it is asked again.)
    std::int64_t told() {
        const std::scoped_lock lock(mutex);
        auto dead = mutex.recovered();
        EXPECT_TRUE(eventually([&] {
            const bool is_known = !dead || dead->pid != 0;
            if (!is_known && daemon_knows) {
                dead = mutex.recovered();
            }
            return is_known || !daemon_knows;
        }));
        return dead ? dead->pid : -1;
    }

    bool daemon_knows = true; // who died
};

TEST_F(AMarkedLock, StaysMarkedUntilAHolderHasAskedWhoDied) {
    const pid_t dead = die_holding_it();
    for (int round = 0; round < 3; ++round) {
        const std::scoped_lock lock(mutex);
    }
    EXPECT_EQ(told(), dead);
    EXPECT_EQ(told(), -1);
}

TEST_F(AMarkedLock, StaysMarkedWhenItIsGivenBackBecauseAnotherLockIsNotFree) {
    const auto other = Value<int>::create("other", 0, {.broker = &broker});
    const pid_t dead = die_holding_it();
    other.mutex().lock();
    std::jthread([&] { EXPECT_EQ(std::try_lock(mutex, other.mutex()), 1); }).join();
    other.mutex().unlock();
    const std::scoped_lock both(mutex, other.mutex());
    const auto told = mutex.recovered();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->pid, dead);
    EXPECT_FALSE(other.mutex().recovered());
}

TEST_F(AMarkedLock, StaysMarkedWhateverOthersStoreUpdateAndNotify) {
    const pid_t dead = die_holding_it();
    ChildProcess other([this](Lines&) {
        Broker own(daemon.socket_path());
        auto same = Value<Pair>::open("pair", {.broker = &own});
        same.store({1, 2});
        same.update([](Pair& both) { both.a += 1; });
        same.notify_all();
        auto segment = Segment::open("pair", Access::write, {}, {.broker = &own});
        const Pair zero{};
        segment.store(std::as_bytes(std::span(&zero, 1)));
    });
    EXPECT_EQ(other.wait(), 0);
    EXPECT_EQ(told(), dead);
}

TEST_F(AMarkedLock, StaysMarkedThroughWaitsThatFail) {
    const pid_t dead = die_holding_it();
    {
        const std::scoped_lock lock(mutex);
        std::jthread([this] {
            EXPECT_FALSE(mutex.try_lock());
            EXPECT_FALSE(mutex.try_lock_for(milliseconds(5)));
        }).join();
    }
    EXPECT_EQ(told(), dead);
}

TEST_F(AMarkedLock, TellsAHolderThatHasItTwiceJustOnce) {
    const pid_t dead = die_holding_it();
    {
        const std::scoped_lock outer(mutex);
        {
            const std::scoped_lock inner(mutex);
        }
        const std::scoped_lock inner(mutex);
        EXPECT_EQ(told(), dead);
        EXPECT_FALSE(mutex.recovered());
    }
    EXPECT_EQ(told(), -1);
}

TEST_F(AMarkedLock, TellsOnlyItsHolder) {
    const pid_t dead = die_holding_it();
    EXPECT_FALSE(mutex.recovered());
    {
        const std::scoped_lock lock(mutex);
        std::jthread([this] { EXPECT_FALSE(mutex.recovered()); }).join();
    }
    EXPECT_EQ(told(), dead);
}

TEST_F(AMarkedLock, OfSeveralWhoDiedTellsOfTheLastAndCountsThemAll) {
    die_holding_it();
    die_holding_it();
    const pid_t last = die_holding_it();
    EXPECT_EQ(told(), last);
    EXPECT_EQ(broker.describe("pair").lock.recoveries, 3U);
    EXPECT_EQ(told(), -1);
}

TEST_F(AMarkedLock, WhoseNextHolderIsKilledWhileItAsksTellsTheOneAfterIt) {
    die_holding_it();
    ChildProcess asking([this](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto same = Value<Pair>::open("pair", {.broker = &own});
        same.mutex().lock();
        parent.say("locked");
        parent.hear();
        kill(daemon.pid(), SIGSTOP);
        parent.say("asks");
        same.mutex().recovered();
        parent.hear();
    });
    ASSERT_EQ(asking.hear(), "locked");
    asking.say("ask");
    ASSERT_EQ(asking.hear(), "asks");
    const pid_t dead = asking.pid();
    asking.kill();
    kill(daemon.pid(), SIGCONT);
    ASSERT_TRUE(mutex.try_lock_for(long_enough));
    const auto told = mutex.recovered();
    mutex.unlock();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->pid, dead);
}

TEST_F(AMarkedLock, TellsAtOnceThatItIsNotKnownWhoDiedWhileTheBrokerDoesNotAnswer) {
    const pid_t dead = die_holding_it();
    {
        const std::scoped_lock lock(mutex);
        kill(daemon.pid(), SIGSTOP);
        const auto start = Clock::now();
        const auto told = mutex.recovered();
        const auto took = Clock::now() - start;
        kill(daemon.pid(), SIGCONT);
        ASSERT_TRUE(told);
        EXPECT_EQ(told->pid, 0);
        EXPECT_TRUE(told->program.empty());
        EXPECT_LT(took, seconds(1));
        std::optional<DeadHolder> again;
        EXPECT_TRUE(eventually([&] {
            again = mutex.recovered();
            return !again || again->pid != 0;
        }));
        ASSERT_TRUE(again);
        EXPECT_EQ(again->pid, dead);
    }
    EXPECT_EQ(told(), -1);
}

TEST_F(AMarkedLock, StaysMarkedWhileNoBrokerIsThereToTellWhoDied) {
    die_holding_it();
    daemon.kill();
    for (int holder = 0; holder < 2; ++holder) {
        const std::scoped_lock lock(mutex);
        const auto start = Clock::now();
        const auto told = mutex.recovered();
        ASSERT_TRUE(told);
        EXPECT_EQ(told->pid, 0);
        EXPECT_LT(Clock::now() - start, seconds(1));
    }
    daemon.start_again(); // which does not know this segment, and never will who died
    daemon_knows = false;
    ASSERT_TRUE(eventually([this] {
        broker.version();
        return true;
    }));
    EXPECT_EQ(told(), 0);
    EXPECT_EQ(told(), -1);
}

TEST_F(AMarkedLock, IsTakenWithTheMarkAndReleasedWithIt) {
    auto segment = Segment::open("pair", Access::write, {}, {.broker = &broker});
    const auto& word = segment.header().lock.word;
    die_holding_it();
    EXPECT_EQ(word, abi::died_bit);
    mutex.lock();
    EXPECT_NE(abi::holder_of(word), 0U);
    EXPECT_NE(word & abi::died_bit, 0U);
    mutex.unlock();
    EXPECT_EQ(word, abi::died_bit);
    EXPECT_NE(told(), -1);
    EXPECT_EQ(word, 0U);
}

TEST_F(AMarkedLock, ThatTheBrokerHasPassedOnMeanwhileIsNotReleasedByTheFormerHolder) {
    auto segment = Segment::open("pair", Access::write, {}, {.broker = &broker});
    auto& word = segment.header().lock.word;
    mutex.lock();
    const std::uint32_t mine = word;
    word = mine + 1; // as if another holder had it
    mutex.unlock();
    EXPECT_EQ(word, mine + 1);
    word = 0;
}

} // namespace
} // namespace memshare::test
