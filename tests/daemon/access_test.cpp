#include "daemon/access.h"

#include <gtest/gtest.h>

namespace memshare::daemon {
namespace {

using proto::Access;

constexpr std::uint32_t owner = 1000;
constexpr std::uint32_t group = 100;

Rights rights(std::uint32_t mode) { return {.uid = owner, .gid = group, .mode = mode}; }

const Caller the_owner{.uid = owner, .gid = 5, .groups = {}};
const Caller the_owner_in_the_group{.uid = owner, .gid = group, .groups = {}};
const Caller one_of_the_group{.uid = 1001, .gid = group, .groups = {}};
const Caller one_with_the_group_beside{.uid = 1002, .gid = 5, .groups = {7, group, 9}};
const Caller another{.uid = 1003, .gid = 5, .groups = {7, 9}};
const Caller root{.uid = 0, .gid = 0, .groups = {}};

// What a caller may: "-", "r" or "rw".
std::string what(const Caller& caller, std::uint32_t mode) {
    return may(caller, Access::write, rights(mode))  ? "rw"
           : may(caller, Access::read, rights(mode)) ? "r"
                                                     : "-";
}

TEST(Access, IsGivenByTheBitsOfOwnerGroupAndOthers) {
    struct Row {
        std::uint32_t mode;
        std::string_view owner, group, other;
    };
    for (const Row& row : std::initializer_list<Row>{{0000, "-", "-", "-"},
                                                     {0400, "r", "-", "-"},
                                                     {0600, "rw", "-", "-"},
                                                     {0640, "rw", "r", "-"},
                                                     {0660, "rw", "rw", "-"},
                                                     {0644, "rw", "r", "r"},
                                                     {0664, "rw", "rw", "r"},
                                                     {0666, "rw", "rw", "rw"},
                                                     {0604, "rw", "-", "r"},
                                                     {0606, "rw", "-", "rw"},
                                                     {0066, "-", "rw", "rw"},
                                                     {0006, "-", "-", "rw"},
                                                     {0444, "r", "r", "r"}}) {
        EXPECT_EQ(what(the_owner, row.mode), row.owner) << std::oct << row.mode;
        EXPECT_EQ(what(the_owner_in_the_group, row.mode), row.owner) << std::oct << row.mode;
        EXPECT_EQ(what(one_of_the_group, row.mode), row.group) << std::oct << row.mode;
        EXPECT_EQ(what(one_with_the_group_beside, row.mode), row.group) << std::oct << row.mode;
        EXPECT_EQ(what(another, row.mode), row.other) << std::oct << row.mode;
    }
}

TEST(Access, ToWriteNeedsTheBitToReadAsWell) {
    for (const std::uint32_t mode : {0222U, 0200U, 0020U, 0002U}) {
        EXPECT_EQ(what(the_owner, mode), "-");
        EXPECT_EQ(what(one_of_the_group, mode), "-");
        EXPECT_EQ(what(another, mode), "-");
    }
}

TEST(Access, IsNotGivenByBitsToExecute) {
    for (const Caller& caller : {the_owner, one_of_the_group, another}) {
        EXPECT_EQ(what(caller, 0111), "-");
        EXPECT_EQ(what(caller, 0777), "rw");
    }
}

TEST(Access, IsRootsWhateverTheMode) {
    for (std::uint32_t mode = 0; mode <= permission_bits; ++mode) {
        EXPECT_EQ(what(root, mode), "rw");
    }
}

TEST(Access, IsTheOwnersAloneUnlessTheModeSaysMore) { EXPECT_EQ(Rights{}.mode, 0600U); }

TEST(ASegment, IsEndedByItsOwnerAndByRoot) {
    EXPECT_TRUE(owns(the_owner, rights(0000)));
    EXPECT_TRUE(owns(root, rights(0000)));
    EXPECT_FALSE(owns(one_of_the_group, rights(0666)));
    EXPECT_FALSE(owns(another, rights(0666)));
}

TEST(ACaller, IsInItsOwnGroupAndInThoseBeside) {
    EXPECT_TRUE(one_of_the_group.is_in_group(group));
    EXPECT_TRUE(one_with_the_group_beside.is_in_group(group));
    EXPECT_TRUE(one_with_the_group_beside.is_in_group(5));
    EXPECT_FALSE(another.is_in_group(group));
}

} // namespace
} // namespace memshare::daemon
