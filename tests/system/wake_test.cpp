// Waiting for a value and waking, a hundred thousand times: nobody sleeps past a change that stays.
#include "tests/support/chance.h"
#include "tests/support/shared.h"
#include "tests/support/with_broker.h"

#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <iostream>

namespace memshare::test {
namespace {

using Number = std::uint64_t;

// Who slept past a change would wake of itself after a second, so this tells that somebody did.
constexpr milliseconds slept_past{sanitized ? 900 : 500};

constexpr Number rounds = sanitized ? 10'000 : 100'000;

// Who may use one processor only does not look for a change, awake: there all waiting is sleeping.
enum class On { all_processors, the_first, the_last };

void stay(On which) {
    cpu_set_t allowed;
    ASSERT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
    std::vector<std::size_t> processors;
    for (std::size_t number = 0; number < CPU_SETSIZE; ++number) {
        if (CPU_ISSET(number, &allowed)) {
            processors.push_back(number);
        }
    }
    if (which != On::all_processors) {
        CPU_ZERO(&allowed);
        CPU_SET(which == On::the_first ? processors.front() : processors.back(), &allowed);
        ASSERT_EQ(sched_setaffinity(0, sizeof(allowed), &allowed), 0);
    }
}

// Has the kernel kill this process so many nanoseconds from now, of which it takes most to say so. Nobody
// else could aim that well.
void be_killed_in(long nanoseconds) {
    sigevent kill{};
    kill.sigev_notify = SIGEV_SIGNAL;
    kill.sigev_signo = SIGKILL;
    timer_t timer{};
    ASSERT_EQ(timer_create(CLOCK_MONOTONIC, &kill, &timer), 0);
    const itimerspec time{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = nanoseconds}};
    ASSERT_EQ(timer_settime(timer, 0, &time, nullptr), 0);
}

class AWait : public WithBroker {
  protected:
    AWait() {
        prefer(daemon.pid());
        prefer(getpid());
    }

    struct Board {
        std::atomic<int> players; // that have not ended
        std::array<std::atomic<Number>, 2> seen;
    };

    // One of two who answer each other with the next number. Seen: how each sees the other's.
    template <typename Seen> ChildProcess player(bool begins, On processors) {
        ++board->players;
        return ChildProcess([this, begins, processors](Lines& parent) {
            stay(processors);
            Broker own(daemon.socket_path());
            auto mine = Value<Number>::open(begins ? "ping" : "pong", {.broker = &own});
            const auto theirs = Value<Seen>::open(begins ? "pong" : "ping", {.broker = &own});
            parent.say("ready");
            parent.hear();
            Clock::duration longest{};
            for (Number round = 1; round <= rounds; ++round) {
                const auto start = Clock::now();
                if (begins) {
                    mine.store(round);
                }
                theirs.wait(round - 1);
                EXPECT_EQ(theirs.load(), round);
                if (!begins) {
                    mine.store(round);
                }
                longest = std::max(longest, Clock::now() - start);
            }
            --board->players;
            EXPECT_LT(longest, slept_past);
            parent.say(std::to_string(std::chrono::duration_cast<microseconds>(longest).count()));
        });
    }

    // `meanwhile` is called again and again while they play.
    template <typename Seen> void play(On processors, const std::function<void()>& meanwhile = {}) {
        auto one = player<Seen>(true, processors);
        auto other = player<Seen>(false, processors);
        one.hear();
        other.hear();
        one.say("begin");
        other.say("begin");
        const auto start = Clock::now();
        while (meanwhile && board->players > 0 && Clock::now() - start < std::chrono::minutes(1)) {
            meanwhile();
        }
        std::cout << "    the longest of " << rounds << " rounds took " << one.hear() << " us\n";
        EXPECT_EQ(one.wait(), 0);
        EXPECT_EQ(other.wait(), 0);
    }

    // Waits for every change of "ping", for ever, and tells as `number` what it has seen last.
    template <typename Seen> ChildProcess waiter(std::size_t number, On processor) {
        return ChildProcess([this, number, processor](Lines&) {
            stay(processor);
            Broker own(daemon.socket_path());
            const auto same = Value<Seen>::open("ping", {.broker = &own});
            while (true) {
                const Number now = same.load();
                board->seen.at(number) = now;
                same.wait(now);
            }
        });
    }

    bool all_have_seen(Number number) const {
        return std::ranges::all_of(board->seen, [number](const auto& one) { return one == number; });
    }

    // Once it is told to, changes "ping" some times, each time when both waiters may have fallen asleep, and
    // is killed about when it does so for the last time.
    ChildProcess writer() {
        return ChildProcess([this](Lines& parent) {
            Broker own(daemon.socket_path());
            auto same = Value<Number>::open("ping", {.broker = &own});
            Chance its_own;
            parent.hear();
            for (auto changes = its_own.below(5); true; --changes) {
                const auto until = Clock::now() + microseconds(its_own.below(50));
                while (Clock::now() < until) {
                }
                if (changes == 0) {
                    be_killed_in(static_cast<long>(3'000 + its_own.below(15'000)));
                }
                const Number now = same.fetch_add(1) + 1;
                while (!all_have_seen(now)) {
                }
            }
        });
    }

    Chance chance;
    Shared<Board> board;
    Value<Number> ping = Value<Number>::create("ping", 0, {.broker = &broker});
    Value<Number> pong = Value<Number>::create("pong", 0, {.broker = &broker});
};

TEST_F(AWait, OfTwoWhoAnswerEachOtherEndsEveryTime) { play<Number>(On::all_processors); }

TEST_F(AWait, OfTwoWhoAlwaysSleepEndsEveryTime) { play<Number>(On::the_first); }

TEST_F(AWait, OfTwoWhoOnlyReadWhatTheyWaitForEndsEveryTime) { play<const Number>(On::all_processors); }

TEST_F(AWait, OfTwoWhoOnlyReadAndAlwaysSleepEndsEveryTime) { play<const Number>(On::the_first); }

TEST_F(AWait, EndsEveryTimeWhileAThirdOneWaitsForTheSameAndIsKilled) {
    int kills = 0;
    play<Number>(On::the_first, [&] {
        auto third = kills % 2 == 0 ? waiter<Number>(0, On::the_last) : waiter<const Number>(0, On::the_last);
        chance.pause(milliseconds(4));
        third.kill();
        ++kills;
    });
    EXPECT_GT(kills, 10);
    std::cout << "    and " << kills << " waiters were killed\n";
}

TEST_F(AWait, EndsThoughTheWriterIsKilledBeforeItWakesAnybody) {
    const std::array waiters{waiter<Number>(0, On::the_first), waiter<const Number>(1, On::the_first)};
    Clock::duration longest{};
    std::array<std::optional<ChildProcess>, 2> writers{writer(), writer()};
    constexpr std::size_t kills = 500;
    for (std::size_t round = 0; round < kills; ++round) {
        auto& now = writers.at(round % 2);
        now->say("begin");
        EXPECT_EQ(now->wait(), -SIGKILL);
        const auto start = Clock::now();
        const Number last = ping.load();
        EXPECT_TRUE(eventually([&] { return all_have_seen(last); }));
        longest = std::max(longest, Clock::now() - start);
        now.emplace(writer());
    }
    EXPECT_LT(longest, slept_past);
    std::cout << "    " << kills << " writers were killed after " << ping.load()
              << " changes; the last one was seen within "
              << std::chrono::duration_cast<microseconds>(longest).count() << " us\n";
}

} // namespace
} // namespace memshare::test
