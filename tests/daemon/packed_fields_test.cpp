// Fields in little memory.
#include "daemon/packed_fields.h"

#include <gtest/gtest.h>

namespace memshare::daemon {
namespace {

using proto::Field;

const std::vector<Field> pose{
    {.name = "x", .kind = proto::ElementKind::f64, .offset = 0, .count = 1},
    {.name = "label", .kind = proto::ElementKind::character, .offset = 8, .count = 4'000'000'000},
    {.name = std::string(63, 'n'), .kind = proto::ElementKind::u8, .offset = 65535, .count = 1}};

TEST(PackedFields, ComeOutAsTheyWentIn) { EXPECT_EQ(PackedFields(pose).unpacked(), pose); }

TEST(PackedFields, AreCountedWithoutBeingUnpacked) { EXPECT_EQ(PackedFields(pose).count(), 3U); }

TEST(PackedFields, CanBeNone) {
    EXPECT_TRUE(PackedFields(std::vector<Field>{}).unpacked().empty());
    EXPECT_EQ(description_bytes(std::vector<Field>{}), 0U);
}

TEST(PackedFields, WeighMoreWithEachFieldAndEachByteOfAName) {
    const std::vector<Field> one{pose.front()};
    EXPECT_GT(description_bytes(one), 0U);
    EXPECT_GT(description_bytes(pose), 3 * description_bytes(one));
}

} // namespace
} // namespace memshare::daemon
