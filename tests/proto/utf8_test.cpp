#include "proto/utf8.h"

#include <gtest/gtest.h>

namespace memshare::proto {
namespace {

std::string encoded(std::uint32_t code) {
    const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
    const auto tail = [&](unsigned shift) { return byte(0x80 | (code >> shift & 0x3F)); };
    if (code < 0x80) {
        return {byte(code)};
    }
    if (code < 0x800) {
        return {byte(0xC0 | code >> 6), tail(0)};
    }
    if (code < 0x10000) {
        return {byte(0xE0 | code >> 12), tail(6), tail(0)};
    }
    return {byte(0xF0 | code >> 18), tail(12), tail(6), tail(0)};
}

bool is_control(std::uint32_t code) { return code < 0x20 || (code >= 0x7F && code < 0xA0); }

bool is_surrogate(std::uint32_t code) { return code >= 0xD800 && code < 0xE000; }

TEST(PrintableText, MayHaveEveryCodePointButControlsAndSurrogates) {
    for (std::uint32_t code = 0; code < 0x110000; ++code) {
        ASSERT_EQ(is_printable_utf8(encoded(code)), !is_control(code) && !is_surrogate(code)) << code;
    }
}

TEST(PrintableText, HasNoCodePointBeyondTheLast) {
    EXPECT_TRUE(is_printable_utf8(encoded(0x10FFFF)));
    EXPECT_FALSE(is_printable_utf8(encoded(0x110000)));
    EXPECT_FALSE(is_printable_utf8(encoded(0x1FFFFF)));
}

TEST(PrintableText, HasNoSequenceThatIsLongerThanItNeedsToBe) {
    EXPECT_FALSE(is_printable_utf8("\xC1\xBF"));         // U+007F in two bytes
    EXPECT_FALSE(is_printable_utf8("\xE0\x9F\xBF"));     // U+07FF in three
    EXPECT_FALSE(is_printable_utf8("\xF0\x8F\xBF\xBF")); // U+FFFF in four
}

TEST(PrintableText, HasNoSequenceThatIsCutOff) {
    for (const std::uint32_t code : {0xE9U, 0x20ACU, 0x1F600U}) {
        const std::string whole = encoded(code);
        for (std::size_t size = 1; size < whole.size(); ++size) {
            EXPECT_FALSE(is_printable_utf8(whole.substr(0, size)));
            EXPECT_FALSE(is_printable_utf8(whole.substr(0, size) + "a"));
        }
    }
}

TEST(PrintableText, IsShownAsItIs) {
    EXPECT_EQ(printable("caf\u00e9 \U0001F600", 64), "caf\u00e9 \U0001F600");
}

TEST(PrintableText, HasAQuestionMarkForWhatCannotBeShown) {
    EXPECT_EQ(printable("a\nb\x1B[31m\x7F", 64), "a?b?[31m?");
    EXPECT_EQ(printable(std::string_view("\0\xFF\xC3", 3), 64), "???");
}

TEST(Utf8, IsToldFromOtherBytesAlsoAfterPlainText) {
    for (const auto* text : {"", "abc\n", "\u00e9", "a\u00e9b\u65e5c\U0001F600", "\x7F"}) {
        EXPECT_TRUE(is_utf8(text)) << text;
    }
    for (const auto* text :
         {"\xFF", "abc\x80", "\u00e9\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80"}) {
        EXPECT_FALSE(is_utf8(text));
    }
}

TEST(PrintableText, IsCutBeforeACharacter) {
    EXPECT_EQ(printable("abc", 2), "ab");
    EXPECT_EQ(printable("ab\u00e9", 3), "ab");
    EXPECT_EQ(printable("ab\u00e9", 4), "ab\u00e9");
    EXPECT_EQ(printable("abc", 0), "");
}

} // namespace
} // namespace memshare::proto
