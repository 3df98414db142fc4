// A lock whose holders are killed all the time: it stays a lock, loses nothing, and passes on soon.
//
// For how long is $MEMSHARE_TEST_SECONDS.
#include "tests/support/chance.h"
#include "tests/support/shared.h"
#include "tests/support/with_broker.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <iostream>
#include <mutex>
#include <numeric>

namespace memshare::test {
namespace {

constexpr std::size_t workers = 8;

// What is in the segment. Who counts writes first what he is at, so that whoever comes after his death can
// take back what is half done.
struct Work {
    std::uint64_t counter;
    std::array<std::uint64_t, workers> counted; // by each of them
    std::uint64_t at_it;                        // the number of the worker, from 1 on, or 0
    std::uint64_t counter_before, counted_before;
};

// A kill leaves what comes before this done, and what comes after it not. (It is for the compiler: a process
// is killed between two instructions.)
void then() { std::atomic_signal_fence(std::memory_order_seq_cst); }

void take_a_while() {
    for (int round = 0; round < 3000; ++round) {
        then();
    }
}

void count(Work& work, std::size_t worker) {
    work.counter_before = work.counter;
    work.counted_before = work.counted.at(worker);
    then();
    work.at_it = worker + 1;
    then();
    ++work.counter;
    take_a_while();
    ++work.counted.at(worker);
    then();
    work.at_it = 0;
    then();
}

void take_back(Work& work) {
    work.counter = work.counter_before;
    work.counted.at(work.at_it - 1) = work.counted_before;
    then();
    work.at_it = 0;
}

struct Kill {
    pid_t pid = 0;
    Clock::time_point time;
};

// What is not in the segment: what the workers tell.
struct Board {
    std::atomic<bool> over;
    std::atomic<pid_t> inside; // who has the lock, as far as one can say who may be killed before he does
    std::atomic<std::uint64_t> locked; // how often
    std::atomic<int> met_another, not_told, lost;
    std::array<Kill, 1 << 16> recovered; // from whom the lock came, and when another one had it
    std::atomic<std::size_t> recoveries;
};

class ALockUnderFire : public WithBroker {
  protected:
    ALockUnderFire() {
        prefer(daemon.pid());
        prefer(getpid());
    }

    ChildProcess worker(std::size_t number) {
        return ChildProcess([this, number](Lines&) { work(number); });
    }

    void work(std::size_t number) {
        Broker own(daemon.socket_path());
        const auto same = Array<Work>::open("work", {.broker = &own});
        std::optional<std::uint64_t> counted;
        while (!board->over) {
            {
                const std::scoped_lock asks_nothing(same.mutex());
            } // and so hides no death from the next holder
            const std::scoped_lock lock(same.mutex());
            const auto now = Clock::now();
            ++board->locked;
            const pid_t before = board->inside.exchange(getpid());
            const auto dead = same.mutex().recovered();
            if (dead && board->recoveries < board->recovered.size()) {
                board->recovered.at(board->recoveries) = {static_cast<pid_t>(dead->pid), now};
                ++board->recoveries;
            }
            board->not_told += !dead && (before != 0 || same[0].at_it != 0) ? 1 : 0;
            if (same[0].at_it != 0) {
                take_back(same[0]);
            }
            board->lost += counted && *counted != same[0].counted.at(number) ? 1 : 0;
            count(same[0], number);
            counted = same[0].counted.at(number);
            board->met_another += board->inside.exchange(0) != getpid() ? 1 : 0;
        }
    }

    // Kills one worker, every other time the one that is inside, and has another one in its place; every
    // other time only when somebody else has had the lock.
    void kill_one() {
        std::size_t number = chance.below(workers);
        const auto inside = std::ranges::find_if(all, [&](auto& one) { return one->pid() == board->inside; });
        if (inside != all.end() && chance.below(2) == 0) {
            number = static_cast<std::size_t>(inside - all.begin());
        }
        kills.push_back({all.at(number)->pid(), Clock::now()});
        all.at(number)->kill();
        const std::uint64_t locked = board->locked;
        if (chance.below(2) == 0) {
            ASSERT_TRUE(eventually([&] { return board->locked > locked; })) << "nobody has the lock any more";
        }
        all.at(number).emplace(worker(number));
    }

    // From each kill of a holder until another one had the lock, ascending.
    std::vector<microseconds> recovery_times() {
        std::vector<microseconds> times;
        for (std::size_t number = 0; number < board->recoveries; ++number) {
            const Kill& recovered = board->recovered.at(number);
            const auto kill = std::find_if(kills.rbegin(), kills.rend(), [&](const Kill& one) {
                return one.pid == recovered.pid && one.time < recovered.time;
            });
            EXPECT_NE(kill, kills.rend()) << "the lock came from " << recovered.pid << ", who was not killed";
            if (kill != kills.rend()) {
                times.push_back(std::chrono::duration_cast<microseconds>(recovered.time - kill->time));
            }
        }
        std::ranges::sort(times);
        return times;
    }

    Chance chance;
    Shared<Board> board;
    Array<Work> shared = Array<Work>::create("work", 1, {.broker = &broker});
    std::array<std::optional<ChildProcess>, workers> all;
    std::vector<Kill> kills;
};

TEST_F(ALockUnderFire, KeepsProcessesApartLosesNothingAndPassesOnSoon) {
    for (std::size_t number = 0; number < workers; ++number) {
        all.at(number).emplace(worker(number));
    }
    const auto until = Clock::now() + seconds(setting("MEMSHARE_TEST_SECONDS", 5));
    while (Clock::now() < until) {
        chance.pause(milliseconds(5));
        ASSERT_NO_FATAL_FAILURE(kill_one());
    }
    board->over = true;
    std::ranges::for_each(all, [](auto& one) { EXPECT_EQ(one->wait(), 0); });

    EXPECT_EQ(board->met_another, 0);
    EXPECT_EQ(board->not_told, 0);
    EXPECT_EQ(board->lost, 0);
    const std::scoped_lock lock(shared.mutex());
    EXPECT_EQ(shared[0].at_it, 0U);
    EXPECT_EQ(shared[0].counter, std::reduce(shared[0].counted.begin(), shared[0].counted.end()));

    const auto times = recovery_times();
    ASSERT_GE(times.size(), 10U);
    const auto most = [&](double part) {
        return times.at(static_cast<std::size_t>(part * static_cast<double>(times.size() - 1) + 0.5)).count();
    };
    std::cout << "    " << kills.size() << " kills, " << broker.describe("work").lock.recoveries
              << " of a holder; " << board->locked << " times locked; from the kill to the next holder: p50 "
              << most(0.5) << " us, p99.9 " << most(0.999) << " us, longest " << most(1) << " us\n";
    if (!sanitized) {
        EXPECT_LT(most(0.999), 100'000) << "microseconds";
    }
}

} // namespace
} // namespace memshare::test
