#include "proto/fd.h"

#include "tests/proto/descriptors.h"

#include <gtest/gtest.h>

namespace memshare::proto {
namespace {

using test::is_close_on_exec;
using test::is_open;
using test::same_file;
using test::some_file;

TEST(AnFd, HoldsNothingAtFirst) {
    const Fd fd;
    EXPECT_FALSE(fd);
    EXPECT_LT(fd.number(), 0);
}

TEST(AnFd, ClosesWhatItHoldsAtItsEnd) {
    int number = -1;
    {
        const Fd fd = some_file();
        number = fd.number();
        ASSERT_TRUE(is_open(number));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(AnFd, ThatIsAssignedClosesWhatItHeld) {
    Fd fd = some_file();
    const int before = fd.number();
    Fd other = some_file();
    const int after = other.number();
    fd = std::move(other);
    EXPECT_FALSE(is_open(before));
    EXPECT_TRUE(is_open(after));
    EXPECT_EQ(fd.number(), after);
}

TEST(AnFd, ThatIsAssignedNothingClosesWhatItHeld) {
    Fd fd = some_file();
    const int before = fd.number();
    fd = Fd();
    EXPECT_FALSE(fd);
    EXPECT_FALSE(is_open(before));
}

TEST(AnFd, ThatIsMovedToItselfKeepsWhatItHolds) {
    Fd fd = some_file();
    const int number = fd.number();
    Fd& itself = fd;
    fd = std::move(itself);
    EXPECT_EQ(fd.number(), number);
    EXPECT_TRUE(is_open(number));
}

TEST(AnFd, ThatIsMovedFromHoldsNothing) {
    Fd fd = some_file();
    const int number = fd.number();
    const Fd taker = std::move(fd);
    EXPECT_FALSE(fd); // NOLINT(bugprone-use-after-move): that is the question
    EXPECT_EQ(taker.number(), number);
}

TEST(AnFd, ThatIsReleasedLeavesTheDescriptorOpen) {
    int number = -1;
    {
        Fd fd = some_file();
        number = fd.release();
        EXPECT_FALSE(fd);
    }
    EXPECT_TRUE(is_open(number));
    const Fd closes_it = Fd::adopt(number);
}

TEST(AnFd, ThatIsClosedTwiceClosesNoStranger) {
    Fd fd = some_file();
    fd.close();
    const Fd stranger = some_file(); // has the same number
    fd.close();
    EXPECT_TRUE(is_open(stranger.number()));
}

TEST(AnFd, IsDuplicatedAsTheSameOpenFile) {
    const Fd fd = some_file();
    const auto copy = Fd::duplicate(fd.number());
    ASSERT_TRUE(copy);
    EXPECT_NE(copy->number(), fd.number());
    EXPECT_TRUE(same_file(copy->number(), fd.number()));
}

TEST(AnFd, IsDuplicatedCloseOnExec) {
    const Fd fd = some_file();
    ASSERT_EQ(fcntl(fd.number(), F_SETFD, 0), 0);
    const auto copy = Fd::duplicate(fd.number());
    ASSERT_TRUE(copy);
    EXPECT_TRUE(is_close_on_exec(copy->number()));
}

TEST(AnFd, IsNoDuplicateOfWhatIsNotOpen) {
    const auto copy = Fd::duplicate(-1);
    ASSERT_FALSE(copy);
    EXPECT_EQ(copy.error().code, std::errc::bad_file_descriptor);
}

} // namespace
} // namespace memshare::proto
