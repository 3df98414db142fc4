// What the daemon says of the steps of its loop.
#include "daemon/loop.h"

#include <asio/post.hpp>
#include <gtest/gtest.h>

#include <sched.h>
#include <sys/resource.h>

#include <atomic>
#include <thread>

namespace memshare::daemon {
namespace {

using namespace std::chrono_literals;

std::chrono::nanoseconds processor_time() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

void work_for(std::chrono::nanoseconds time) {
    for (const auto until = processor_time() + time; processor_time() < until;) {
    }
}

class AStep : public testing::Test {
  protected:
    void take(std::vector<std::function<void()>> handlers) {
        for (auto& handler : handlers) {
            asio::post(loop, std::move(handler));
        }
        asio::post(loop, [this] { loop.stop(); });
        run(loop, steps);
    }

    asio::io_context loop{1};
    StepClock steps;
};

TEST_F(AStep, IsMeasured) {
    take({[] { work_for(12ms); }});
    EXPECT_GE(steps.longest(), 12ms);
    EXPECT_EQ(steps.over_5_ms(), 1);
}

TEST_F(AStep, IsOneHandlerHoweverManyAreReady) {
    take(std::vector<std::function<void()>>(20, [] { work_for(1ms); }));
    EXPECT_GE(steps.longest(), 1ms);
    EXPECT_EQ(steps.over_5_ms(), 0);
}

TEST_F(AStep, CountsTheTimeOfABlockedSystemCall) {
    take({[] { std::this_thread::sleep_for(12ms); }}); // it stands for any call that blocks
    EXPECT_GE(steps.longest(), 12ms);
    EXPECT_EQ(steps.over_5_ms(), 1);
}

TEST_F(AStep, DoesNotCountTheSleepBeforeIt) {
    std::thread sender([this] {
        std::this_thread::sleep_for(50ms); // it is no synchronisation: the loop sleeps meanwhile
        asio::post(loop, [this] { loop.stop(); });
    });
    const auto work = asio::make_work_guard(loop);
    run(loop, steps);
    sender.join();
    EXPECT_LT(steps.longest(), 20ms);
}

TEST_F(AStep, DoesNotCountWaitingForAProcessor) {
    cpu_set_t all;
    ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    std::atomic<bool> ends = false;
    std::thread rival([&] { // inherits the one processor
        while (!ends) {
        }
    });
    const auto start = StepClock::Clock::now();
    take({[] { work_for(100ms); }});
    const auto whole = StepClock::Clock::now() - start;
    ends = true;
    rival.join();
    sched_setaffinity(0, sizeof(all), &all);
    if (whole < 130ms) {
        GTEST_SKIP() << "the rival had no share of the processor";
    }
    EXPECT_GE(steps.longest(), 99ms); // as it has an error of one millisecond
    EXPECT_LT(steps.longest(), 115ms);
}

} // namespace
} // namespace memshare::daemon
