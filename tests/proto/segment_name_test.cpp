#include "proto/segment_name.h"

#include "proto/limits.h"

#include <gtest/gtest.h>

namespace memshare::proto {
namespace {

bool is_name(std::string_view text) { return SegmentName::parse(text).has_value(); }

std::string repeated(std::string_view text, int times) {
    std::string result;
    while (times-- > 0) {
        result += text;
    }
    return result;
}

TEST(ASegmentName, KeepsItsText) { EXPECT_EQ(SegmentName::parse("num")->text(), "num"); }

TEST(ASegmentName, HasAtLeastOneByte) {
    EXPECT_FALSE(is_name(""));
    EXPECT_TRUE(is_name("a"));
}

TEST(ASegmentName, HasAtMost255Bytes) {
    EXPECT_EQ(limits::name_bytes, 255U);
    EXPECT_TRUE(is_name(repeated("a", 255)));
    EXPECT_FALSE(is_name(repeated("a", 256)));
}

TEST(ASegmentName, IsMeasuredInBytesNotInCharacters) {
    EXPECT_TRUE(is_name(repeated("\u00e9", 127) + "a"));
    EXPECT_FALSE(is_name(repeated("\u00e9", 128)));
}

TEST(ASegmentName, MayHaveSpacesSlashesAndAnyScript) {
    for (const auto* text :
         {" ", "a b", "/dev/shm/x", "..", "\u00fcber", "\u65e5\u672c", "\U0001F600", "~"}) {
        EXPECT_TRUE(is_name(text)) << text;
    }
}

TEST(ASegmentName, IsTheSameWithAndWithoutSlashesAtItsStart) {
    for (const auto* text : {"cam", "/cam", "//cam"}) {
        EXPECT_EQ(SegmentName::parse(text)->text(), "cam");
    }
    EXPECT_EQ(SegmentName::parse("/a/b/")->text(), "a/b/");
    EXPECT_FALSE(is_name("/"));
    EXPECT_FALSE(is_name("//"));
    EXPECT_TRUE(is_name("/" + repeated("a", 255)));
}

TEST(ASegmentName, HasNoControlCharacter) {
    for (int code = 0; code < 0x20; ++code) {
        EXPECT_FALSE(is_name("a" + std::string(1, static_cast<char>(code)) + "b")) << code;
    }
    EXPECT_FALSE(is_name("\x7F"));
}

TEST(ASegmentName, HasNoNul) {
    EXPECT_FALSE(is_name(std::string_view("\0", 1)));
    EXPECT_FALSE(is_name(std::string_view("num\0", 4)));
}

TEST(ASegmentName, HasNoControlCharacterOfTheSecondSet) {
    EXPECT_FALSE(is_name("\xC2\x80"));
    EXPECT_FALSE(is_name("\xC2\x9F"));
    EXPECT_TRUE(is_name("\xC2\xA0"));
}

TEST(ASegmentName, HasNoHalfOfASurrogatePair) {
    EXPECT_FALSE(is_name("\xED\xA0\x80"));
    EXPECT_FALSE(is_name("\xED\xBF\xBF"));
    EXPECT_TRUE(is_name("\xED\x9F\xBF"));
    EXPECT_TRUE(is_name("\xEE\x80\x80"));
}

TEST(ASegmentName, IsWellFormedUtf8) {
    for (const auto* text : {"\x80", "\xC3", "\xC3(", "\xC0\xAF", "\xE0\x80\xAF", "\xE2\x82", "\xF0\x9F\x98",
                             "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xFF", "num\xFE"}) {
        EXPECT_FALSE(is_name(text));
    }
}

TEST(ASegmentName, IsTheSameAsAnotherOfTheSameBytes) {
    EXPECT_EQ(*SegmentName::parse("num"), *SegmentName::parse("num"));
    EXPECT_FALSE(*SegmentName::parse("num") == *SegmentName::parse("Num"));
    EXPECT_EQ(std::hash<SegmentName>{}(*SegmentName::parse("num")),
              std::hash<SegmentName>{}(*SegmentName::parse("num")));
}

} // namespace
} // namespace memshare::proto
