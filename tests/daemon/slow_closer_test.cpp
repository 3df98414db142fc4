#include "daemon/slow_closer.h"

#include "tests/support/patience.h"

#include <asio/executor_work_guard.hpp>
#include <gtest/gtest.h>

#include <poll.h>
#include <unistd.h>

#include <array>

namespace memshare::daemon {
namespace {

using proto::Fd;

class ASlowCloser : public testing::Test {
  protected:
    // One end of a pipe; the other tells when it is closed.
    Fd watched() {
        std::array<int, 2> ends{};
        EXPECT_EQ(pipe(ends.data()), 0);
        reading = Fd::adopt(ends[0]);
        return Fd::adopt(ends[1]);
    }
    bool is_closed_soon() const {
        pollfd end{.fd = reading.number(), .events = POLLIN, .revents = 0};
        return poll(&end, 1, static_cast<int>(test::milliseconds(test::long_enough).count())) == 1;
    }
    std::uint64_t charged() const {
        return quota.used_by(7)[static_cast<std::size_t>(Resource::descriptors)];
    }

    Quota quota{Limits{}};
    asio::io_context loop;
    Fd reading;
};

TEST_F(ASlowCloser, CountsADescriptorUntilItIsClosed) {
    const auto closer = std::make_shared<SlowCloser>(loop, quota);
    const auto working = asio::make_work_guard(loop); // or it would stop before it is told
    closer->close(7, watched());
    EXPECT_EQ(charged(), 1U);
    EXPECT_TRUE(is_closed_soon());
    EXPECT_TRUE(test::eventually([&] {
        loop.poll();
        return charged() == 0;
    }));
    EXPECT_EQ(charged(), 0U);
    EXPECT_EQ(closer->waiting(), 0U);
}

TEST_F(ASlowCloser, GivesBackAllAtItsEnd) {
    auto closer = std::make_shared<SlowCloser>(loop, quota);
    closer->close(7, watched());
    closer->leave_the_loop();
    closer.reset();
    EXPECT_EQ(charged(), 0U);
}

} // namespace
} // namespace memshare::daemon
