#include "proto/segment_id.h"

#include <gtest/gtest.h>

#include <unordered_set>

namespace memshare::proto {
namespace {

constexpr std::string_view text = "01234567-89ab-cdef-0123-456789abcdef";

TEST(ASegmentId, IsReadFromItsTextAndWrittenBack) { EXPECT_EQ(SegmentId::parse(text)->text(), text); }

TEST(ASegmentId, IsReadInCapitalsAndWrittenInSmallLetters) {
    EXPECT_EQ(SegmentId::parse("01234567-89AB-CDEF-0123-456789ABCDEF")->text(), text);
}

TEST(ASegmentId, HasExactly36Characters) {
    EXPECT_FALSE(SegmentId::parse(""));
    EXPECT_FALSE(SegmentId::parse(text.substr(1)));
    EXPECT_FALSE(SegmentId::parse(std::string(text) + "0"));
    EXPECT_FALSE(SegmentId::parse("{" + std::string(text) + "}"));
}

TEST(ASegmentId, HasDashesAndDigitsEachInTheirPlaces) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        std::string wrong(text);
        wrong[at] = text[at] == '-' ? '0' : '-';
        EXPECT_FALSE(SegmentId::parse(wrong)) << wrong;
    }
}

TEST(ASegmentId, HasOnlyHexadecimalDigits) {
    for (const char c : {'/', ':', '@', 'G', '`', 'g', ' ', '\0', '\xFF'}) {
        std::string wrong(text);
        wrong.back() = c;
        EXPECT_FALSE(SegmentId::parse(wrong)) << wrong;
    }
}

TEST(ASegmentId, AtRandomIsAUuidOfVersion4) {
    const std::string random = SegmentId::random().text();
    EXPECT_EQ(random[14], '4');
    EXPECT_NE(std::string_view("89ab").find(random[19]), std::string_view::npos);
    EXPECT_TRUE(SegmentId::parse(random));
}

TEST(ASegmentId, AtRandomIsANewOne) {
    std::unordered_set<SegmentId> seen;
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(seen.insert(SegmentId::random()).second);
    }
}

TEST(ASegmentId, IsTheSameAsAnotherOfTheSameText) {
    EXPECT_EQ(*SegmentId::parse(text), *SegmentId::parse(text));
    EXPECT_FALSE(*SegmentId::parse(text) == SegmentId{});
}

} // namespace
} // namespace memshare::proto
