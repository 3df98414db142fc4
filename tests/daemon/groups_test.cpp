// The groups of a process.
#include "daemon/groups.h"

#include <gtest/gtest.h>

namespace memshare::daemon {
namespace {

TEST(Groups, AreFoundInWhateverOrderTheyCame) {
    const Groups groups({9, 2, 7});
    EXPECT_TRUE(groups.contain(2));
    EXPECT_TRUE(groups.contain(9));
    EXPECT_FALSE(groups.contain(3));
    EXPECT_FALSE(Groups().contain(0));
    EXPECT_EQ(groups, Groups({2, 7, 9}));
}

TEST(Groups, AreSharedByTheirCopies) {
    const Groups groups({1, 2, 3});
    const Groups copy = groups; // NOLINT(performance-unnecessary-copy-initialization)
    EXPECT_EQ(copy.all().data(), groups.all().data());
}

TEST(Groups, CountForNobodyUpToTheUsualNumber) {
    const Groups usual(std::vector<std::uint32_t>(proto::limits::groups_for_free, 1));
    const Groups more(std::vector<std::uint32_t>(proto::limits::groups_for_free + 1, 1));
    EXPECT_EQ(description_bytes(Groups()), 0U);
    EXPECT_EQ(description_bytes(usual), 0U);
    EXPECT_GE(description_bytes(more), 4U);
}

} // namespace
} // namespace memshare::daemon
