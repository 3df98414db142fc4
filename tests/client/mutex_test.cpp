// The lock that comes with every segment.
#include "tests/support/with_broker.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <thread>

namespace memshare::test {
namespace {

class ALock : public WithBroker {
  protected:
    Array<int> numbers = Array<int>::create("arr", 4, {.broker = &broker});
    Mutex& mutex = numbers.mutex();

    Array<int> opened(Broker& by) const { return Array<int>::open("arr", {.broker = &by}); }

    // A process that has the lock, and keeps it until it is told something or killed.
    ChildProcess holder() {
        ChildProcess process([this](Lines& parent) {
            Broker own(daemon.socket_path());
            const auto same = opened(own);
            const std::scoped_lock lock(same.mutex());
            parent.say("locked");
            parent.hear();
        });
        process.hear();
        return process;
    }
};

TEST_F(ALock, IsTakenAndReleased) {
    EXPECT_FALSE(mutex.is_held());
    mutex.lock();
    EXPECT_TRUE(mutex.is_held());
    mutex.unlock();
    EXPECT_FALSE(mutex.is_held());
}

TEST_F(ALock, ThatAnotherProcessHoldsIsNotTaken) {
    auto other = holder();
    EXPECT_FALSE(mutex.try_lock());
    EXPECT_FALSE(mutex.try_lock_for(milliseconds(20)));
    other.say("let go");
    EXPECT_EQ(other.wait(), 0);
    EXPECT_TRUE(mutex.try_lock_until(std::chrono::system_clock::now() + seconds(10)));
    mutex.unlock();
}

TEST_F(ALock, IsTakenAgainByItsHolderAndReleasedAsOften) {
    const std::scoped_lock outer(mutex);
    {
        const std::unique_lock inner(mutex, std::try_to_lock);
        EXPECT_TRUE(inner.owns_lock());
    }
    EXPECT_TRUE(mutex.is_held());
    std::jthread([this] { EXPECT_FALSE(mutex.try_lock()); }).join();
}

TEST_F(ALock, IsTheSameThroughEveryHandleOfAProcess) {
    const auto same = opened(broker);
    mutex.lock();
    EXPECT_TRUE(same.mutex().is_held());
    EXPECT_TRUE(same.mutex().try_lock());
    same.mutex().unlock();
    mutex.unlock();
    EXPECT_FALSE(same.mutex().is_held());
}

TEST_F(ALock, IsAThreadsAndNotItsProcesses) {
    mutex.lock();
    std::jthread([this] {
        EXPECT_FALSE(mutex.is_held());
        EXPECT_THROW(mutex.unlock(), std::system_error);
    }).join();
    EXPECT_TRUE(mutex.is_held());
    mutex.unlock();
}

TEST_F(ALock, ThatIsNotHeldIsNotReleased) {
    const Error error = error_of([this] { mutex.unlock(); });
    EXPECT_EQ(error.code(), std::errc::operation_not_permitted);
    EXPECT_EQ(error.segment(), "arr");
}

TEST_F(ALock, IsTakenWithAnotherOneAtOnce) {
    const auto other = Value<int>::create("num", 0, {.broker = &broker});
    {
        const std::scoped_lock both(mutex, other.mutex());
        EXPECT_TRUE(mutex.is_held());
        EXPECT_TRUE(other.mutex().is_held());
    }
    EXPECT_FALSE(mutex.is_held());
}

TEST_F(ALock, KeepsThreadsApart) {
    constexpr int rounds = 20'000;
    {
        std::array<std::jthread, 4> threads;
        std::ranges::generate(threads, [this] {
            return std::jthread([this] {
                for (int round = 0; round < rounds; ++round) {
                    const std::scoped_lock lock(mutex);
                    ++numbers[0];
                }
            });
        });
    }
    EXPECT_EQ(numbers[0], 4 * rounds);
}

TEST_F(ALock, KeepsProcessesApart) {
    constexpr int rounds = 20'000;
    std::vector<ChildProcess> processes;
    for (int number = 0; number < 4; ++number) {
        processes.emplace_back([this](Lines&) {
            Broker own(daemon.socket_path());
            const auto same = opened(own);
            for (int round = 0; round < rounds; ++round) {
                const std::scoped_lock lock(same.mutex());
                ++same[0];
            }
        });
    }
    std::ranges::for_each(processes, [](ChildProcess& one) { EXPECT_EQ(one.wait(), 0); });
    EXPECT_EQ(numbers[0], 4 * rounds);
}

TEST_F(ALock, WhoseHolderIsKilledPassesToTheNextWaiterWhoLearnsIt) {
    auto dead = holder();
    ChildProcess waiter([this](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto same = opened(own);
        parent.say("waiting");
        const std::scoped_lock lock(same.mutex());
        const auto recovered = same.mutex().recovered();
        ASSERT_TRUE(recovered);
        parent.say(std::to_string(recovered->pid));
    });
    waiter.hear();
    ASSERT_TRUE(eventually([this] { return broker.describe("arr").lock.waiting; }));
    const auto killed = std::chrono::system_clock::now();
    const pid_t pid = dead.pid();
    dead.kill();
    EXPECT_EQ(waiter.hear(), std::to_string(pid));
    EXPECT_EQ(waiter.wait(), 0);
    const LockInfo lock = broker.describe("arr").lock;
    EXPECT_EQ(lock.recoveries, 1U);
    ASSERT_TRUE(lock.last_recovery);
    EXPECT_EQ(lock.last_recovery->pid, pid);
    EXPECT_EQ(lock.last_recovery->uid, getuid());
    EXPECT_EQ(lock.last_recovery->program, program_invocation_short_name);
    EXPECT_GE(lock.last_recovery->time, std::chrono::floor<microseconds>(killed));
}

TEST_F(ALock, ThatWasRecoveredIsAsAnyOtherOnceItWasReleased) {
    holder().kill();
    mutex.lock();
    EXPECT_TRUE(mutex.recovered());
    mutex.unlock();
    mutex.lock();
    EXPECT_FALSE(mutex.recovered());
    mutex.unlock();
}

TEST_F(ALock, OfNobodyWhoDiedHasNothingToTell) {
    EXPECT_FALSE(mutex.recovered());
    const std::scoped_lock lock(mutex);
    EXPECT_FALSE(mutex.recovered());
}

TEST_F(ALock, IsNotHurtByAWaitersDeath) {
    const std::scoped_lock lock(mutex);
    ChildProcess waiter([this](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto same = opened(own);
        parent.say("waiting");
        same.mutex().lock();
    });
    waiter.hear();
    ASSERT_TRUE(eventually([this] { return broker.describe("arr").lock.waiting; }));
    waiter.kill();
    ASSERT_TRUE(eventually([this] { return broker.describe("arr").attachments.size() == 1; }));
    EXPECT_TRUE(mutex.is_held());
    EXPECT_EQ(broker.describe("arr").lock.recoveries, 0U);
    EXPECT_EQ(broker.describe("arr").lock.holder->pid, getpid());
}

TEST_F(ALock, PassesOnWhenItsHolderLetsGoOfTheSegmentInstead) {
    ChildProcess careless([this](Lines& parent) {
        Broker own(daemon.socket_path());
        {
            const auto same = opened(own);
            same.mutex().lock();
        } // and there the handle ends
        parent.say("gone");
        parent.hear();
    });
    careless.hear();
    EXPECT_TRUE(mutex.try_lock_for(seconds(10)));
    EXPECT_TRUE(mutex.recovered());
    mutex.unlock();
}

TEST_F(ALock, IsKeptByAProcessThatClosesAllItsDescriptors) {
    ChildProcess daemonized([this](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto same = opened(own);
        const std::scoped_lock lock(same.mutex());
        for (int number = 3; number < 1000; ++number) {
            if (number != parent.socket()) {
                close(number);
            }
        }
        parent.say("locked");
        parent.hear();
    });
    daemonized.hear();
    // What the broker answers to another one, it answers after it has seen the end of file.
    Broker(daemon.socket_path()).version();
    EXPECT_FALSE(mutex.try_lock_for(milliseconds(50)));
    daemonized.kill();
    EXPECT_TRUE(mutex.try_lock_for(seconds(10)));
    mutex.unlock();
}

TEST_F(ALock, IsShownWithItsHolder) {
    EXPECT_FALSE(broker.describe("arr").lock.holder);
    auto other = holder();
    const auto lock = broker.describe("arr").lock;
    ASSERT_TRUE(lock.holder);
    EXPECT_EQ(lock.holder->pid, other.pid());
    EXPECT_EQ(lock.holder->uid, getuid());
    EXPECT_FALSE(lock.waiting);
}

TEST_F(ALock, WorksWhileTheBrokerIsGone) {
    auto other = holder();
    daemon.kill();
    EXPECT_FALSE(mutex.try_lock());
    other.say("let go");
    EXPECT_EQ(other.wait(), 0);
    EXPECT_TRUE(mutex.try_lock_for(seconds(10)));
    mutex.unlock();
}

TEST_F(ALock, IsNotKeptFromItsWaitersByAReaderWhoTakesTheirWakeUp) {
    const auto shared = Array<int>::create("shared", 1, {.mode = 0666, .broker = &broker});
    shared.mutex().lock();
    ChildProcess thief([this](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto segment = Segment::open("shared", Access::read, {}, {.broker = &own});
        const auto& word = segment.header().lock.word;
        parent.say("here");
        while (true) { // the kernel lets whoever can read it sleep on it
            abi::futex_wait(word, word.load(), nullptr);
        }
    });
    thief.hear();
    ChildProcess waiter([this](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto same = Array<int>::open("shared", {.broker = &own});
        parent.say("waiting");
        const std::scoped_lock lock(same.mutex());
        parent.say("locked");
    });
    waiter.hear();
    ASSERT_TRUE(eventually([this] { return broker.describe("shared").lock.waiting; }));
    shared.mutex().unlock();
    EXPECT_EQ(waiter.hear(), "locked");
}

TEST_F(ALock, CanBeWaitedForAsLongAsThereIsTime) {
    EXPECT_TRUE(mutex.try_lock_for(std::chrono::hours::max()));
    EXPECT_TRUE(mutex.try_lock_for(std::chrono::nanoseconds::max()));
    mutex.unlock();
    mutex.unlock();
    EXPECT_FALSE(mutex.is_held());
}

TEST_F(ALock, WhoseWordIsWrittenByHandTellsOfNobodyElse) {
    ChildProcess stranger([this](Lines& parent) {
        Broker own(daemon.socket_path());
        own.version();
        parent.say("here");
        parent.hear();
    });
    stranger.hear();
    auto segment = Segment::open("arr", Access::write, {}, {.broker = &broker});
    for (std::uint32_t holder = 1; holder < 10; ++holder) {
        segment.header().lock.word = holder;
        const auto lock = broker.describe("arr").lock;
        EXPECT_TRUE(!lock.holder || lock.holder->pid == getpid());
    }
    segment.header().lock.word = 0;
}

} // namespace
} // namespace memshare::test
