// A process that is killed at one instruction after the other of what it does to a segment: none of them is
// one too many for those who live.
#include "tests/support/shared.h"
#include "tests/support/steps.h"
#include "tests/support/with_broker.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <iostream>
#include <mutex>

namespace memshare::test {
namespace {

// Who slept past a change would wake of itself after a second.
constexpr milliseconds soon{sanitized ? 900 : 500};

// And who waits for a lock, after a tenth of that.
constexpr milliseconds passed_on{sanitized ? 90 : 40};

// A sanitizer puts so many of its own between them that not every one can be tried.
constexpr int stride = sanitized ? 50 : 1;

bool is_asleep(const ChildProcess& process) {
    std::ifstream file("/proc/" + std::to_string(process.pid()) + "/stat");
    std::string line;
    std::getline(file, line);
    return line.substr(line.rfind(')') + 2, 1) == "S";
}

class EveryInstruction : public WithBroker {
  protected:
    EveryInstruction() {
        prefer(daemon.pid());
        prefer(getpid());
    }
};

using Number = std::uint64_t;

class EveryInstructionOfAStore : public EveryInstruction {
  protected:
    struct Board {
        std::array<std::atomic<Number>, 3> seen;
    };

    ChildProcess waiter(std::size_t number, const std::function<void(Broker&, std::atomic<Number>&)>& wait) {
        return ChildProcess([this, number, wait](Lines&) {
            Broker own(daemon.socket_path());
            wait(own, board->seen.at(number));
        });
    }
    template <typename Seen> ChildProcess waiter_for_the_value(std::size_t number) {
        return waiter(number, [](Broker& own, std::atomic<Number>& seen) {
            for (const auto same = Value<Seen>::open("num", {.broker = &own}); true;) {
                seen = same.load();
                same.wait(seen);
            }
        });
    }
    ChildProcess waiter_for_the_version(std::size_t number) {
        return waiter(number, [](Broker& own, std::atomic<Number>& seen) {
            for (const auto same = Value<Number>::open("num", {.broker = &own}); true;) {
                const Version version = same.version();
                seen = same.load();
                same.wait(version);
            }
        });
    }

    // Stores `next`, step by step, and before it one less, so that all that is looked up at first has been.
    ChildProcess writer(Number next) {
        return ChildProcess([this, next](Lines&) {
            Broker own(daemon.socket_path());
            auto same = Value<Number>::open("num", {.broker = &own});
            same.store(next - 1);
            Steps::begin();
            same.store(next);
            Steps::mark();
        });
    }

    bool is_seen_by_all(Number number) const {
        return std::ranges::all_of(board->seen, [number](const auto& seen) { return seen == number; });
    }

    Shared<Board> board;
    Value<Number> value = Value<Number>::create("num", 0, {.broker = &broker});
};

TEST_F(EveryInstructionOfAStore, LeavesNobodyAsleepWhenTheWriterIsKilledThere) {
    const std::array waiters{waiter_for_the_value<Number>(0), waiter_for_the_value<const Number>(1),
                             waiter_for_the_version(2)};
    bool going_on = true;
    int after_the_store = 0;
    for (int steps = 0; going_on; steps += stride) {
        const auto next = static_cast<Number>(2 * steps + 2);
        auto process = writer(next);
        ASSERT_TRUE(
            eventually([&] { return is_seen_by_all(next - 1) && std::ranges::all_of(waiters, is_asleep); }));
        going_on = Steps(process.pid()).take(steps);
        process.kill();
        const auto start = Clock::now();
        const Number last = value.load();
        after_the_store += last == next ? 1 : 0;
        ASSERT_TRUE(eventually([&] { return is_seen_by_all(last); })) << "after " << steps << " steps";
        EXPECT_LT(Clock::now() - start, soon) << "after " << steps << " steps";
    }
    EXPECT_GT(after_the_store, 1);
    std::cout << "    killed at " << after_the_store << " places after the change itself\n";
}

class EveryInstructionOfALock : public EveryInstruction {
  protected:
    ChildProcess stepper(const std::function<void(Mutex&)>& work) {
        return ChildProcess([this, work](Lines&) {
            Broker own(daemon.socket_path());
            const auto same = Array<int>::open("arr", {.broker = &own});
            {
                const std::scoped_lock once(same.mutex());
            }
            work(same.mutex());
            Steps::mark();
        });
    }

    // Takes the lock whenever it is told to, and says from whom it came.
    ChildProcess next_holder() {
        return ChildProcess([this](Lines& parent) {
            Broker own(daemon.socket_path());
            const auto same = Array<int>::open("arr", {.broker = &own});
            while (parent.hear() == "lock") {
                const std::scoped_lock lock(same.mutex());
                const auto dead = same.mutex().recovered();
                parent.say(dead ? std::to_string(dead->pid) : "nobody");
            }
        });
    }

    bool holds(const ChildProcess& process) {
        const auto holder = broker.describe("arr").lock.holder;
        return holder && holder->pid == process.pid();
    }

    // Kills it, looks whom the lock then comes from, and says how long that took.
    Clock::duration kill(ChildProcess& process, const std::function<void()>& then = [] {}) {
        const std::string from = holds(process) ? std::to_string(process.pid()) : "nobody";
        deaths += holds(process) ? 1 : 0;
        const auto start = Clock::now();
        process.kill();
        then();
        EXPECT_EQ(next.hear(), from);
        return Clock::now() - start;
    }

    // Tries one instruction after the other, until there is none. A lock that passes on late is tried again,
    // as it may be the machine that was late.
    void try_every_one(const std::function<Clock::duration(int steps, bool& going_on)>& attempt) {
        bool going_on = true;
        for (int steps = 0; going_on; steps += stride) {
            SCOPED_TRACE(steps);
            auto took = attempt(steps, going_on);
            for (int again = 0; again < 3 && took >= passed_on; ++again) {
                took = attempt(steps, going_on);
            }
            EXPECT_LT(took, passed_on);
        }
        EXPECT_GT(deaths, 1);
        std::cout << "    killed at " << deaths << " places where it had the lock\n";
    }

    Array<int> numbers = Array<int>::create("arr", 1, {.broker = &broker});
    ChildProcess next = next_holder();
    int deaths = 0; // of who had the lock
};

TEST_F(EveryInstructionOfALock, PassesItOnWhenItIsTheHoldersLast) {
    try_every_one([this](int steps, bool& going_on) {
        auto process = stepper([](Mutex& mutex) {
            Steps::begin();
            mutex.lock();
        });
        going_on = Steps(process.pid()).take(steps);
        return kill(process, [this] { next.say("lock"); });
    });
}

TEST_F(EveryInstructionOfALock, PassesItOnWhenItIsTheLastOfWhoReleasesIt) {
    try_every_one([this](int steps, bool& going_on) {
        auto process = stepper([](Mutex& mutex) {
            mutex.lock();
            Steps::begin();
            mutex.unlock();
        });
        Steps its(process.pid());
        next.say("lock");
        EXPECT_TRUE(eventually([this] { return broker.describe("arr").lock.waiting && is_asleep(next); }));
        going_on = its.take(steps);
        if (going_on) {
            return kill(process);
        }
        const auto start = Clock::now(); // it has released it, and who waits has been woken by that alone
        EXPECT_EQ(next.hear(), "nobody");
        return Clock::now() - start;
    });
}

struct Three {
    std::uint64_t first, second, third; // all the same
};

using EveryInstructionOfALargeStore = EveryInstruction;

TEST_F(EveryInstructionOfALargeStore, LeavesTheOldValueOrTheNew) {
    auto value = Value<Three>::create("three", {}, {.broker = &broker});
    const auto loaded = [&] {
        const Three three = value.load();
        EXPECT_EQ(three.first, three.second);
        EXPECT_EQ(three.first, three.third);
        return three.first;
    };
    bool going_on = true;
    std::array<int, 2> seen{};
    for (int steps = 0; going_on; steps += stride) {
        SCOPED_TRACE(steps);
        ChildProcess process([this](Lines&) {
            Broker own(daemon.socket_path());
            auto same = Value<Three>::open("three", {.broker = &own});
            same.store({0, 0, 0});
            Steps::begin();
            same.store({1, 1, 1});
            Steps::mark();
        });
        going_on = Steps(process.pid()).take(steps);
        const std::uint64_t now = loaded();
        process.kill();
        ASSERT_TRUE(value.mutex().try_lock_for(soon));
        value.mutex().unlock();
        EXPECT_EQ(loaded(), now);
        ++seen.at(now);
    }
    EXPECT_GT(seen[0], 1);
    EXPECT_GT(seen[1], 1);
    std::cout << "    killed at " << seen[0] << " places before the change and " << seen[1] << " after it\n";
}

} // namespace
} // namespace memshare::test
