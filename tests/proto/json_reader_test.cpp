#include "proto/json_reader.h"

#include "tests/proto/json_model.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace memshare::proto {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
    std::string result;
    while (times-- > 0) {
        result += text;
    }
    return result;
}

class AJsonDocument : public testing::Test {
  protected:
    bool reads(std::string_view text, std::size_t most_values = limits::call_values) {
        return document_.parse(text, most_values).has_value();
    }
    std::optional<std::int64_t> integer(std::string_view text) { return document_.parse(text)->integer(); }
    std::optional<std::uint64_t> natural(std::string_view text) { return document_.parse(text)->natural(); }
    std::optional<bool> boolean(std::string_view text) { return document_.parse(text)->boolean(); }
    std::optional<std::string_view> string(std::string_view text) { return document_.parse(text)->string(); }

    // The members of an object, or the items of an array, in words of their own: "name: text, name: text".
    std::string members(std::string_view text) {
        std::string all;
        document_.parse(text)->members([&](std::string_view name, JsonValue value) {
            all += std::string(name) + ": " + std::string(value.string().value_or("?")) + ", ";
            return true;
        });
        return all;
    }

    JsonDocument document_;
};

TEST_F(AJsonDocument, IsOneValueOfAnyKind) {
    for (const auto* text : {"{}", "[]", "\"\"", "0", "-1.5e3", "true", "false", "null", " \t\r\n1\n"}) {
        EXPECT_TRUE(reads(text)) << text;
    }
}

TEST_F(AJsonDocument, IsNotWhatIsNotJson) {
    for (const auto* text :
         {"",      " ",    "{",  "}",       "[1,]",   R"({"a":1,})", "{a:1}", "{'a':1}",  R"({"a"})",
          "{1:2}", "01",   "+1", ".5",      "1.",     "0x10",        "NaN",   "Infinity", "-",
          "tru",   "True", "\"", R"("\x")", "/* */1", "1//",         "[1 2]"}) {
        EXPECT_FALSE(reads(text)) << text;
    }
}

TEST_F(AJsonDocument, HasNothingBehindItsValue) {
    for (const auto* text : {"{}{}", "{} x", "1 2", "[]]", "null,"}) {
        EXPECT_FALSE(reads(text)) << text;
    }
}

TEST_F(AJsonDocument, IsUtf8) {
    EXPECT_TRUE(reads("\"caf\u00e9 \U0001F600\""));
    for (const auto* text : {"\"\xFF\"", "\"\xC3\"", "\"\xC0\xAF\"", "\"\xED\xA0\x80\"", "{\"\x80\":1}",
                             "\"\xF4\x90\x80\x80\"", "\xFF"}) {
        EXPECT_FALSE(reads(text));
    }
}

TEST_F(AJsonDocument, HasNoControlCharacterAsItIs) {
    EXPECT_FALSE(reads("\"a\nb\""));
    EXPECT_FALSE(reads("\"\x1F\""));
    EXPECT_FALSE(reads(std::string_view("\"\0\"", 3)));
}

TEST_F(AJsonDocument, HasNoHalfOfASurrogatePair) {
    for (const auto* text : {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ud83d\ud83d")"}) {
        EXPECT_FALSE(reads(text)) << text;
    }
    EXPECT_EQ(string(R"("\ud83d\ude00")"), "\U0001F600");
}

TEST_F(AJsonDocument, KnowsTheEscapes) {
    EXPECT_EQ(string(R"("\"\\\/\b\f\n\r\t\u00e9")"), "\"\\/\b\f\n\r\t\u00e9");
    EXPECT_EQ(string(R"("a\u0000b")"), std::string_view("a\0b", 3));
}

TEST_F(AJsonDocument, NestsAsDeepAsTheLimitAndNoDeeper) {
    EXPECT_EQ(limits::json_depth, 16U);
    EXPECT_TRUE(reads(repeated("[", 16) + repeated("]", 16)));
    EXPECT_FALSE(reads(repeated("[", 17) + repeated("]", 17)));
    EXPECT_TRUE(reads(repeated("{\"a\":", 16) + "1" + repeated("}", 16)));
    EXPECT_FALSE(reads(repeated("{\"a\":", 17) + "1" + repeated("}", 17)));
}

TEST_F(AJsonDocument, IsNoBombOfBrackets) { EXPECT_FALSE(reads(repeated("[", limits::call_bytes))); }

TEST_F(AJsonDocument, HasAsManyValuesAsItsReaderAllows) {
    EXPECT_TRUE(reads("[1,2,3]", 4));
    EXPECT_FALSE(reads("[1,2,3]", 3));
    EXPECT_TRUE(reads(R"({"a":1})", 3));
    EXPECT_FALSE(reads(R"({"a":1})", 2));
}

TEST_F(AJsonDocument, ForgetsWhatItReadBefore) {
    ASSERT_TRUE(reads(R"({"old":"text"})"));
    ASSERT_FALSE(reads("{"));
    EXPECT_EQ(members(R"({"new":"word"})"), "new: word, ");
}

TEST_F(AJsonDocument, GivesMembersInTheirOrder) {
    EXPECT_EQ(members(R"({"b":"1","a":"2","c":[[1],{}],"":"3"})"), "b: 1, a: 2, c: ?, : 3, ");
}

TEST_F(AJsonDocument, GivesAMemberThatComesTwiceTwice) {
    EXPECT_EQ(members(R"({"a":"1","a":"2"})"), "a: 1, a: 2, ");
}

TEST_F(AJsonDocument, GivesMembersWhileTheyAreWanted) {
    int given = 0;
    const bool all = document_.parse(R"({"a":1,"b":2})")->members([&](std::string_view, JsonValue) {
        ++given;
        return false;
    });
    EXPECT_FALSE(all);
    EXPECT_EQ(given, 1);
}

TEST_F(AJsonDocument, GivesTheItemsOfAnArrayInTheirOrder) {
    std::vector<std::uint64_t> items;
    const bool all = document_.parse("[[7,7],1,{\"a\":7},2,3]")->items([&](JsonValue item) {
        if (const auto number = item.natural()) {
            items.push_back(*number);
        }
        return true;
    });
    EXPECT_TRUE(all);
    EXPECT_EQ(items, (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(AJsonDocument, KnowsItsKinds) {
    EXPECT_TRUE(document_.parse("null")->is_null());
    EXPECT_TRUE(document_.parse("{}")->is_object());
    EXPECT_TRUE(document_.parse("[]")->is_array());
    EXPECT_EQ(boolean("true"), true);
    EXPECT_EQ(boolean("false"), false);
    EXPECT_EQ(string("\"x\""), "x");
}

TEST_F(AJsonDocument, TakesNoKindForAnother) {
    for (const auto* text : {"null", "0", "1", "\"true\"", "[]", "{}"}) {
        EXPECT_FALSE(boolean(text)) << text;
    }
    for (const auto* text : {"null", "true", "[]", "{}", "1"}) {
        EXPECT_FALSE(string(text)) << text;
    }
    for (const auto* text : {"null", "true", "[1]", "{}", "\"\"", "\"x\""}) {
        EXPECT_FALSE(integer(text)) << text;
        EXPECT_FALSE(natural(text)) << text;
    }
}

TEST_F(AJsonDocument, TakesIntegersAsDecimalStrings) {
    EXPECT_EQ(natural("\"65536\""), 65536U);
    EXPECT_EQ(integer("\"-65536\""), -65536);
    EXPECT_EQ(natural("\"18446744073709551615\""), UINT64_MAX);
    EXPECT_EQ(integer("\"-9223372036854775808\""), INT64_MIN);
}

TEST_F(AJsonDocument, TakesNoOtherStringForAnInteger) {
    for (const auto* text : {"\"65536 \"", "\" 65536\"", "\"+1\"", "\"0x10\"", "\"1e3\"", "\"65536.0\"",
                             "\"--1\"", "\"18446744073709551616\"", R"("1\u0000")"}) {
        EXPECT_FALSE(natural(text)) << text;
        EXPECT_FALSE(integer(text)) << text;
    }
}

TEST_F(AJsonDocument, TakesAFractionThatIsWholeForAnInteger) {
    EXPECT_EQ(natural("65536.0"), 65536U);
    EXPECT_EQ(natural("6.5536e4"), 65536U);
    EXPECT_EQ(integer("-65536.0"), -65536);
}

TEST_F(AJsonDocument, TakesNoOtherFractionForAnInteger) {
    for (const auto* text : {"65536.5", "0.1", "-0.5", "1e-1"}) {
        EXPECT_FALSE(natural(text)) << text;
        EXPECT_FALSE(integer(text)) << text;
    }
}

TEST_F(AJsonDocument, HasIntegersOf64BitsWithASign) {
    EXPECT_EQ(integer("9223372036854775807"), INT64_MAX);
    EXPECT_EQ(integer("-9223372036854775808"), INT64_MIN);
    EXPECT_FALSE(integer("9223372036854775808"));
    EXPECT_FALSE(integer("9223372036854775808.0"));
    EXPECT_FALSE(integer("-9223372036854777856.0")); // the next double below
    EXPECT_FALSE(integer("-1e300"));
}

TEST_F(AJsonDocument, HasIntegersOf64BitsWithoutASign) {
    EXPECT_EQ(natural("18446744073709551615"), UINT64_MAX);
    EXPECT_FALSE(natural("18446744073709551616"));
    EXPECT_FALSE(natural("18446744073709551616.0"));
    EXPECT_FALSE(natural("-1"));
    EXPECT_FALSE(natural("-1.0"));
    EXPECT_FALSE(natural("\"-1\""));
    EXPECT_FALSE(natural("1e300"));
}

TEST_F(AJsonDocument, BeginsWithoutAByteOrderMark) { EXPECT_FALSE(reads("\xEF\xBB\xBF{}")); }

TEST_F(AJsonDocument, DoesNotEndAtANul) {
    EXPECT_FALSE(reads(std::string_view("{}\0", 3)));
    EXPECT_FALSE(reads(std::string_view("1\0x", 3)));
}

// A hundred thousand texts, made from the alphabet of JSON by chance or from a whole text by a slip.
TEST_F(AJsonDocument, IsReadAsByNlohmannsParser) {
    std::mt19937 chance(1); // the same texts in every run
    const auto below = [&](std::size_t limit) { return chance() % limit; };
    static constexpr std::string_view alphabet =
        "{}[]:,\"\\ 0123456789-+.eEtrufalsn\n\t\xC3\xA9\xED\xA0\x80\x1F";
    static constexpr std::array<std::string_view, 4> wholes{
        R"({"a":[1,-2.5e3,"x\u00e9\ud83d\ude00\n"],"b":{"c":null,"d":true},"":false})",
        R"([18446744073709551615,-9223372036854775808,18446744073709551616,65536.0,1e-3,0])",
        "\"caf\xC3\xA9 \xF0\x9F\x98\x80\"", "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"};
    for (int i = 0; i < 100'000; ++i) {
        std::string text(i % 2 == 0 ? "" : wholes[below(std::size(wholes))]);
        for (std::size_t slips = i % 2 == 0 ? below(8) : 1 + below(3); slips > 0; --slips) {
            text.replace(below(text.size() + 1), below(2), below(4), alphabet[below(alphabet.size())]);
        }
        ASSERT_EQ(test::told_by_ours(document_, text), test::JsonModel::told(text)) << text;
    }
}

TEST_F(AJsonDocument, HasNoNumberBeyondAllDoubles) { EXPECT_FALSE(reads("1e400")); }

} // namespace
} // namespace memshare::proto
