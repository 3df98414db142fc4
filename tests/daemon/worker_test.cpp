// Threads that work on clients' memory.
#include "daemon/worker.h"

#include "proto/limits.h"
#include "tests/support/patience.h"

#include <asio/executor_work_guard.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace memshare::daemon {
namespace {

class AWorker : public testing::Test {
  protected:
    Work work(std::uint32_t uid, const int& memory, std::move_only_function<Completion()> run) {
        return {.uid = uid, .memory = &memory, .priority = Priority::urgent, .run = std::move(run)};
    }

    // Work that the kernel makes wait until go() is called.
    Work stuck(std::uint32_t uid, const int& memory) {
        return work(uid, memory, [this]() -> Completion {
            ++stuck_;
            blocked.wait();
            return nullptr;
        });
    }

    void expect_to_be_done_soon(std::uint32_t uid, const int& memory) {
        std::promise<void> done;
        worker->run(work(uid, memory, [&]() -> Completion {
            done.set_value();
            return nullptr;
        }));
        EXPECT_EQ(done.get_future().wait_for(test::long_enough), std::future_status::ready);
    }

    asio::io_context loop{1};
    int settled = 0;
    std::atomic<int> stuck_ = 0;
    std::promise<void> go;
    std::shared_future<void> blocked = go.get_future().share();
    std::unique_ptr<Worker> worker = std::make_unique<Worker>(loop, [this] { ++settled; });
    int one = 0, two = 0;
};

TEST_F(AWorker, WorksOnAThreadOfItsOwnAndCompletesOnTheLoop) {
    const auto here = std::this_thread::get_id();
    std::thread::id done_by;
    bool completed_here = false;
    worker->run(work(1, one, [&]() -> Completion {
        done_by = std::this_thread::get_id();
        return [&] { completed_here = std::this_thread::get_id() == here; };
    }));
    const auto working = asio::make_work_guard(loop);
    loop.run_one();
    EXPECT_TRUE(completed_here);
    EXPECT_NE(done_by, here);
    EXPECT_EQ(settled, 1);
}

TEST_F(AWorker, GoesOnWithOthersWhileTheKernelHoldsUpAllThatOneUserMayHave) {
    std::vector<int> memories(2 * proto::limits::worker_threads_for_one_owner);
    for (const int& memory : memories) {
        worker->run(stuck(1, memory));
    }
    for (std::uint32_t other = 2; other < 10; ++other) {
        expect_to_be_done_soon(other, one);
    }
    EXPECT_LE(stuck_, static_cast<int>(proto::limits::worker_threads_for_one_owner));
    go.set_value();
}

TEST_F(AWorker, HasAsManyThreadsAsItsLimitAllows) {
    constexpr std::size_t all = proto::limits::worker_threads;
    std::vector<int> memories(all + 1);
    for (std::size_t at = 0; at < memories.size(); ++at) {
        worker->run(stuck(static_cast<std::uint32_t>(at), memories[at]));
    }
    EXPECT_TRUE(test::eventually([&] { return stuck_ == static_cast<int>(all); }));
    EXPECT_FALSE(worker->finish(std::chrono::steady_clock::now() + std::chrono::milliseconds(10)));
    EXPECT_EQ(stuck_, static_cast<int>(all));
    go.set_value();
    EXPECT_TRUE(worker->finish(std::chrono::steady_clock::now() + test::long_enough));
    EXPECT_EQ(stuck_, static_cast<int>(memories.size()));
}

TEST_F(AWorker, GoesOnWithTheSameUsersOtherMemory) {
    worker->run(stuck(1, one));
    expect_to_be_done_soon(1, two);
    go.set_value();
}

TEST_F(AWorker, IsNotFinishedWhileTheKernelHoldsUpAThread) {
    worker->run(stuck(1, one));
    EXPECT_FALSE(worker->finish(std::chrono::steady_clock::now() + std::chrono::milliseconds(10)));
    go.set_value();
    EXPECT_TRUE(worker->finish(std::chrono::steady_clock::now() + test::long_enough));
}

TEST_F(AWorker, DoesWhatIsLeftBeforeItEnds) {
    std::atomic<int> done = 0;
    for (int round = 0; round < 100; ++round) {
        worker->run(work(static_cast<std::uint32_t>(round % 7), one, [&]() -> Completion {
            ++done;
            return nullptr;
        }));
    }
    worker.reset();
    EXPECT_EQ(done, 100);
}

TEST_F(AWorker, LeavesTheLoopTimeBetweenManyCompletions) {
    constexpr int many = 1000;
    int completed = 0, looks = 0;
    for (int round = 0; round < many; ++round) {
        worker->run(work(1, one, [&]() -> Completion { return [&] { ++completed; }; }));
    }
    ASSERT_TRUE(worker->finish(std::chrono::steady_clock::now() + test::long_enough));
    while (completed < many && loop.poll_one() > 0) {
        ++looks;
    }
    EXPECT_EQ(completed, many);
    EXPECT_GT(looks, 10);
}

} // namespace
} // namespace memshare::daemon
