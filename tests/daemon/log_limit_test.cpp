#include "daemon/log_limit.h"

#include "proto/limits.h"

#include <gtest/gtest.h>

namespace memshare::daemon {
namespace {

namespace limits = proto::limits;
using std::chrono::seconds;

class ALogLimit : public testing::Test {
  protected:
    // How many of so many entries at once are allowed.
    int allowed_of(int entries, std::uint32_t uid = 1) {
        int allowed = 0;
        for (; entries > 0; --entries) {
            allowed += limit.allows(uid, now) ? 1 : 0;
        }
        return allowed;
    }

    LogLimit limit;
    LogLimit::Clock::time_point now{};
};

TEST_F(ALogLimit, AllowsSomeEntriesAtOnceAndThenOneASecond) {
    EXPECT_EQ(allowed_of(10'000), limits::log_entries_at_once);
    now += seconds(1);
    EXPECT_EQ(allowed_of(10'000), limits::log_entries_each_second);
    now += seconds(3600);
    EXPECT_EQ(allowed_of(10'000), limits::log_entries_at_once);
}

TEST_F(ALogLimit, IsOneForEachUser) {
    allowed_of(10'000, 1);
    EXPECT_EQ(allowed_of(10'000, 2), limits::log_entries_at_once);
}

TEST_F(ALogLimit, TellsOnceHowManyEntriesWereNotWritten) {
    allowed_of(limits::log_entries_at_once + 5);
    EXPECT_TRUE(limit.take_suppressed(now).empty());
    now += seconds(10);
    const auto suppressed = limit.take_suppressed(now);
    ASSERT_EQ(suppressed.size(), 1U);
    EXPECT_EQ(suppressed[0].user, 1U);
    EXPECT_EQ(suppressed[0].entries, 5U);
    EXPECT_TRUE(limit.take_suppressed(now, LogLimit::When::at_once).empty());
}

TEST_F(ALogLimit, TellsAtOnceWhenTheLogEnds) {
    allowed_of(limits::log_entries_at_once + 5);
    EXPECT_EQ(limit.take_suppressed(now, LogLimit::When::at_once).at(0).entries, 5U);
}

TEST_F(ALogLimit, RemembersOnlySoManyUsersAndTheOthersShareOne) {
    int allowed = 0;
    for (std::uint32_t uid = 0; uid < 100'000; ++uid) {
        allowed += allowed_of(1, uid);
    }
    EXPECT_LE(allowed, 2000);
    EXPECT_EQ(limit.take_suppressed(now, LogLimit::When::at_once).at(0).user, std::nullopt);
    now += seconds(100);
    EXPECT_EQ(allowed_of(10'000, 100'001), limits::log_entries_at_once) << "the first are forgotten by now";
}

} // namespace
} // namespace memshare::daemon
