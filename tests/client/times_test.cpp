// Times that are past, far away or not numbers, of any clock and of any kind of number.
#include "tests/support/with_broker.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <limits>
#include <thread>

namespace memshare::test {
namespace {

using std::chrono::duration;
using std::chrono::hours;
using std::chrono::steady_clock;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::system_clock;
using namespace std::chrono_literals;

using Centuries = duration<std::int64_t, std::ratio<3155760000>>;
using Femtoseconds = duration<std::int64_t, std::femto>;
using Frames = duration<std::int32_t, std::ratio<1, 60>>;

constexpr double infinity = std::numeric_limits<double>::infinity();

// Calls f with each time that is over.
void for_each_time_that_is_past(auto f) {
    f("0", 0s);
    f("-1 ns", -1ns);
    f("-300 years", hours(-300 * 8766));
    f("-3,000,000 h", hours(-3'000'000));
    f("the shortest in h", hours::min());
    f("the shortest in ns", std::chrono::nanoseconds::min());
    f("the shortest in centuries", Centuries::min());
    f("the shortest in fs", Femtoseconds::min());
    f("the shortest in frames", Frames::min());
    f("-infinity", duration<double>(-infinity));
    f("the lowest float", duration<float>::min());
    f("no number", duration<double>(std::nan("")));
}
void for_each_time_that_is_far(auto f) {
    f("the longest in h", hours::max());
    f("the longest in ns", std::chrono::nanoseconds::max());
    f("the longest in centuries", Centuries::max());
    f("infinity", duration<double>(infinity));
    f("the highest double", duration<double>::max());
    f("the highest float", duration<float>::max());
    f("290 years", hours(290 * 8766));
    f("two centuries", Centuries(2));
}
void for_each_moment_that_is_past(auto f) {
    f("the first of the steady clock", steady_clock::time_point::min());
    f("the first of the system clock", system_clock::time_point::min());
    f("the first second", sys_seconds::min());
    f("the year 1600", sys_days(1600y / 1 / 1));
    f("the year 1970", sys_days(1970y / 1 / 1));
    f("a moment ago", steady_clock::now() - 1ns);
    f("no number", std::chrono::time_point<steady_clock, duration<double>>(duration<double>(std::nan(""))));
}
void for_each_moment_that_is_far(auto f) {
    f("the last of the steady clock", steady_clock::time_point::max());
    f("the last of the system clock", system_clock::time_point::max());
    f("the last second", sys_seconds::max());
    f("the year 2200", sys_days(2200y / 1 / 1));
    f("the year 30000", sys_days(30000y / 1 / 1));
    f("infinity", std::chrono::time_point<steady_clock, duration<double>>(duration<double>(infinity)));
}

TEST(ATime, ThatIsPastIsOverAtOnce) {
    const auto expect_past = [](const char* what, auto time) {
        const auto deadline = detail::deadline_of(time);
        ASSERT_TRUE(deadline) << what;
        EXPECT_LE(*deadline, steady_clock::now()) << what;
        EXPECT_GE(*deadline, steady_clock::time_point{}) << what << ": the kernel takes no negative time";
    };
    for_each_time_that_is_past(expect_past);
    for_each_moment_that_is_past(expect_past);
}

TEST(ATime, ThatIsFarAwayNeverComes) {
    const auto expect_far = [](const char* what, auto time) {
        const auto deadline = detail::deadline_of(time);
        EXPECT_TRUE(!deadline || *deadline > steady_clock::now() + hours(90 * 8766)) << what;
        EXPECT_TRUE(!deadline || *deadline < steady_clock::now() + hours(101 * 8766)) << what;
    };
    for_each_time_that_is_far(expect_far);
    for_each_moment_that_is_far(expect_far);
}

TEST(ATime, IsKeptToTheNanosecondInEveryUnit) {
    const auto expect_time = [](auto time, std::chrono::nanoseconds due) {
        const auto before = steady_clock::now();
        const auto deadline = detail::deadline_of(time);
        ASSERT_TRUE(deadline);
        EXPECT_GE(*deadline, before + due);
        EXPECT_LE(*deadline, steady_clock::now() + due);
    };
    expect_time(1ns, 1ns);
    expect_time(100ms, 100ms);
    expect_time(hours(24 * 365), hours(24 * 365));
    expect_time(Femtoseconds(1), 1ns); // rounded up: a wait is never shorter
    expect_time(Frames(60), 1s);
    expect_time(duration<double>(0.25), 250ms);
    const auto before = steady_clock::now();
    const auto deadline = detail::deadline_of(system_clock::now() + 1h);
    ASSERT_TRUE(deadline);
    EXPECT_NEAR(duration<double>(*deadline - before).count(), 3600, 1);
}

class ATimedWait : public WithBroker {
  protected:
    Value<int> number = Value<int>::create("num", 0, {.broker = &broker});
    Array<int> numbers = Array<int>::create("arr", 1, {.broker = &broker});
};

TEST_F(ATimedWait, ReturnsAtOnceIfTheTimeIsPast) {
    numbers.mutex().lock();
    std::jthread([this] {
        for_each_time_that_is_past([this](const char* what, auto time) {
            EXPECT_FALSE(numbers.mutex().try_lock_for(time)) << what;
            EXPECT_FALSE(number.wait_for(0, time)) << what;
            EXPECT_FALSE(number.wait_for(number.version(), time)) << what;
            EXPECT_FALSE(numbers.wait_for(numbers.version(), time)) << what;
        });
        for_each_moment_that_is_past([this](const char* what, auto time) {
            EXPECT_FALSE(numbers.mutex().try_lock_until(time)) << what;
            EXPECT_FALSE(number.wait_until(0, time)) << what;
            EXPECT_FALSE(number.wait_until(number.version(), time)) << what;
            EXPECT_FALSE(numbers.wait_until(numbers.version(), time)) << what;
        });
    }).join();
    numbers.mutex().unlock();
}

TEST_F(ATimedWait, SeesWhatIsSoAlreadyThoughTheTimeIsPast) {
    EXPECT_TRUE(number.wait_for(1, hours::min()));
    EXPECT_TRUE(number.wait_until(1, steady_clock::time_point::min()));
    EXPECT_TRUE(numbers.mutex().try_lock_for(hours::min()));
    numbers.mutex().unlock();
}

// One that took such a time for past would give up, and say so.
TEST_F(ATimedWait, GoesOnIfTheTimeIsFarAway) {
    const auto expect_wait = [this](const char* what, auto wait) {
        number.store(0);
        std::jthread waiter([&] { EXPECT_TRUE(wait()) << what; });
        auto segment = Segment::open("num", Access::read, {}, {.broker = &broker});
        EXPECT_TRUE(eventually([&] { return segment.header().change.waiting != 0; })) << what;
        number.store(1);
    };
    for_each_time_that_is_far(
        [&](const char* what, auto time) { expect_wait(what, [&] { return number.wait_for(0, time); }); });
    for_each_moment_that_is_far(
        [&](const char* what, auto time) { expect_wait(what, [&] { return number.wait_until(0, time); }); });
}

TEST_F(ATimedWait, ForALockGoesOnIfTheTimeIsFarAway) {
    const auto expect_wait = [this](const char* what, auto wait) {
        numbers.mutex().lock();
        std::jthread waiter([&] {
            EXPECT_TRUE(wait()) << what;
            numbers.mutex().unlock();
        });
        EXPECT_TRUE(eventually([&] { return broker.describe("arr").lock.waiting; })) << what;
        numbers.mutex().unlock();
    };
    for_each_time_that_is_far([&](const char* what, auto time) {
        expect_wait(what, [&] { return numbers.mutex().try_lock_for(time); });
    });
    for_each_moment_that_is_far([&](const char* what, auto time) {
        expect_wait(what, [&] { return numbers.mutex().try_lock_until(time); });
    });
}

TEST_F(ATimedWait, TakesItsOwnTimeBesideABrokerThatDoesNotAnswer) {
    const auto read_only = Value<const int>::open("num", {.broker = &broker});
    kill(daemon.pid(), SIGSTOP);
    const auto start = steady_clock::now();
    EXPECT_FALSE(read_only.wait_for(0, 100ms));
    const auto took = steady_clock::now() - start;
    EXPECT_GE(took, 100ms);
    EXPECT_LT(took, 1s);
    EXPECT_FALSE(read_only.wait_for(0, 1ms));
    std::jthread writer([this] { number.store(1); });
    EXPECT_TRUE(read_only.wait_for(0, 1s)) << "a change is seen without the broker";
    kill(daemon.pid(), SIGCONT);
}

TEST_F(ATimedWait, ForALockTakesItsOwnTimeInAForkedChildBesideABrokerThatDoesNotAnswer) {
    ChildProcess child([this](Lines&) {
        kill(daemon.pid(), SIGSTOP);
        const auto start = steady_clock::now();
        EXPECT_FALSE(numbers.mutex().try_lock_for(100ms));
        EXPECT_FALSE(numbers.mutex().try_lock_until(system_clock::now() + 100ms));
        EXPECT_FALSE(numbers.mutex().try_lock_for(0s));
        const auto took = steady_clock::now() - start;
        kill(daemon.pid(), SIGCONT);
        EXPECT_GE(took, 100ms);
        EXPECT_LT(took, 2s);
        EXPECT_TRUE(numbers.mutex().try_lock_for(10s));
        numbers.mutex().unlock();
    });
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(ATimedWait, OfAForkedChildReadsOnlyTakesItsOwnTimeBesideABrokerThatDoesNotAnswer) {
    const auto read_only = Value<const int>::open("num", {.broker = &broker});
    ChildProcess child([&](Lines&) {
        kill(daemon.pid(), SIGSTOP);
        const auto start = steady_clock::now();
        EXPECT_FALSE(read_only.wait_for(0, 100ms));
        const auto took = steady_clock::now() - start;
        kill(daemon.pid(), SIGCONT);
        EXPECT_LT(took, 1s);
    });
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(ATimedWait, EndsWithItsTimeWhileNoBrokerIsThere) {
    const auto read_only = Value<const int>::open("num", {.broker = &broker});
    daemon.kill();
    const auto start = steady_clock::now();
    EXPECT_FALSE(read_only.wait_for(0, 200ms));
    const auto took = steady_clock::now() - start;
    EXPECT_GE(took, 200ms);
    EXPECT_LT(took, 1s);
}

TEST_F(ATimedWait, LongerThanACallMayTakeSaysThatTheBrokerDoesNotAnswer) {
    const auto read_only = Value<const int>::open("num", {.broker = &broker});
    kill(daemon.pid(), SIGSTOP);
    {
        const CallLimit soon(200ms);
        EXPECT_EQ(error_of([&] { read_only.wait_for(0, 10s); }).code(), Errc::broker_lost);
    }
    kill(daemon.pid(), SIGCONT);
}

TEST_F(ATimedWait, OfACallIsAtMostAHundredYears) {
    for (const milliseconds timeout : {milliseconds::max(), milliseconds(hours(1'000'000))}) {
        Broker patient(daemon.socket_path(), {.timeout = timeout});
        EXPECT_FALSE(patient.version().empty());
        EXPECT_EQ(patient.list().size(), 2U);
    }
    const CallLimit none(milliseconds::max());
    EXPECT_EQ(broker.list().size(), 2U);
}

TEST_F(ATimedWait, OfACallThatIsNegativeIsOverAtOnce) {
    for (const milliseconds timeout : {milliseconds::min(), milliseconds(-1)}) {
        Broker hasty(daemon.socket_path(), {.timeout = timeout});
        EXPECT_EQ(hasty.timeout(), 0ms);
        const auto start = steady_clock::now();
        try {
            static_cast<void>(hasty.list()); // which may even be answered by then
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), Errc::broker_lost);
        }
        const CallLimit negative(timeout);
        EXPECT_EQ(broker.timeout(), 0ms);
        EXPECT_LT(steady_clock::now() - start, 5s);
    }
}

TEST_F(ATimedWait, OfACallIsNotOverstepped) {
    kill(daemon.pid(), SIGSTOP);
    for (const milliseconds limit : {10ms, 300ms, 1100ms}) {
        const CallLimit soon(limit);
        auto shortest = steady_clock::duration::max();
        for (int round = 0; round < 3; ++round) { // as this process may have to wait for a processor
            const auto start = steady_clock::now();
            EXPECT_EQ(error_of([this] { broker.statistics(); }).code(), Errc::broker_lost);
            shortest = std::min(shortest, steady_clock::now() - start);
        }
        EXPECT_GE(shortest, limit - 101ms);
        EXPECT_LT(shortest, limit + 600ms);
    }
    kill(daemon.pid(), SIGCONT);
}

} // namespace
} // namespace memshare::test
