#include "proto/json_writer.h"

#include "proto/json_reader.h"

#include <gtest/gtest.h>

#include <limits>

namespace memshare::proto {
namespace {

template <typename T> std::string written(const T& value) {
    std::string out;
    JsonWriter(out).value(value);
    return out;
}

TEST(JsonText, SeparatesMembersAndItems) {
    std::string out;
    JsonWriter to(out);
    to.begin_object();
    to.name("a");
    to.begin_array();
    to.value(1);
    to.begin_object();
    to.end_object();
    to.value(true);
    to.end_array();
    to.name("b");
    to.value(std::string_view("x"));
    to.end_object();
    EXPECT_EQ(out, R"({"a":[1,{},true],"b":"x"})");
}

TEST(JsonText, IsAppended) {
    std::string out = "before ";
    JsonWriter(out).value(false);
    EXPECT_EQ(out, "before false");
}

TEST(JsonText, HasIntegersOfEverySize) {
    EXPECT_EQ(written(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
    EXPECT_EQ(written(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
    EXPECT_EQ(written(std::uint32_t{0}), "0");
}

TEST(JsonText, EscapesQuotesBackslashesAndControls) {
    EXPECT_EQ(written(std::string_view("\"\\\n\x1F")), R"("\"\\\u000a\u001f")");
}

TEST(JsonText, NeverHasANul) { EXPECT_EQ(written(std::string_view("a\0b", 3)), R"("a\u0000b")"); }

TEST(JsonText, LeavesOtherCharactersAsTheyAre) {
    EXPECT_EQ(written(std::string_view("/\x7F caf\u00e9 \U0001F600")), "\"/\x7F caf\u00e9 \U0001F600\"");
}

TEST(JsonText, ReadsBackEveryCharacterOfAscii) {
    std::string all;
    for (int code = 0; code < 0x80; ++code) {
        all += static_cast<char>(code);
    }
    JsonDocument document;
    const std::string text = written(std::string_view(all));
    EXPECT_EQ(document.parse(text)->string(), all);
}

} // namespace
} // namespace memshare::proto
