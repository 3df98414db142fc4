// Slow work on a thread of its own.
#include "daemon/errands.h"

#include <asio/executor_work_guard.hpp>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>

namespace memshare::daemon {
namespace {

class AnErrand : public testing::Test {
  protected:
    asio::io_context loop{1};
};

TEST_F(AnErrand, IsDoneElsewhereAndItsOutcomeIsCalledOnTheLoop) {
    Errands errands(loop);
    const auto here = std::this_thread::get_id();
    std::thread::id done_by;
    bool called_here = false;
    errands.run([&]() -> Errands::Outcome {
        done_by = std::this_thread::get_id();
        return [&] { called_here = std::this_thread::get_id() == here; };
    });
    const auto working = asio::make_work_guard(loop);
    loop.run_one();
    EXPECT_TRUE(called_here);
    EXPECT_NE(done_by, here);
}

TEST_F(AnErrand, ThatSomebodyWaitsForIsDoneBeforeOthers) {
    std::string order;
    std::promise<void> go; // outlives the errand that waits for it
    {
        Errands errands(loop);
        errands.run([&]() -> Errands::Outcome {
            go.get_future().wait(); // so that the others are all there
            return {};
        });
        for (const char letter : {'c', 'd'}) {
            errands.run([&order, letter]() -> Errands::Outcome {
                order += letter;
                return {};
            });
        }
        for (const char letter : {'a', 'b'}) {
            errands.run_first([&order, letter]() -> Errands::Outcome {
                order += letter;
                return {};
            });
        }
        go.set_value();
    }
    EXPECT_EQ(order, "abcd");
}

TEST_F(AnErrand, IsDoneBeforeTheEnd) {
    int done = 0;
    {
        Errands errands(loop);
        for (int errand = 0; errand < 100; ++errand) {
            errands.run([&]() -> Errands::Outcome {
                ++done;
                return {};
            });
        }
    }
    EXPECT_EQ(done, 100);
}

} // namespace
} // namespace memshare::daemon
