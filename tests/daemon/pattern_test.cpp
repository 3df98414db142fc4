// Patterns of names, held against fnmatch(3), which says what they mean.
#include "daemon/pattern.h"

#include <gtest/gtest.h>

#include <fnmatch.h>

#include <chrono>
#include <random>

namespace memshare::daemon {
namespace {

class APattern : public testing::Test {
  protected:
    std::string one_of(std::initializer_list<std::string_view> all) {
        return std::string(*(all.begin() + below(all.size())));
    }
    std::size_t below(std::size_t end) { return chance_() % end; }

    std::string random_bracket() {
        std::string text = one_of({"[", "[!", "[^"});
        for (std::size_t left = 1 + below(3); left > 0; --left) {
            text += one_of({"a",         "b",         "-",   "a-c", "b-a",   "0-9",     "[:digit:]",
                            "[:alpha:]", "[:space:]", "\\]", "\\a", "[=a=]", "[.b.]",   ".",
                            "*",         "?",         "/",   "!",   "[",     "\xc3\xa9"});
        }
        return text + "]";
    }

    std::string random_pattern() {
        std::string text;
        for (std::size_t left = below(7); left > 0; --left) {
            text += below(4) == 0 ? random_bracket()
                                  : one_of({"a", "b", "c", "*", "*", "?", "\\*", "\\a", "\\\\", "]", "-", ".",
                                            "/", "1", "\xc3\xa9"});
        }
        return text;
    }

    std::string random_name() {
        std::string text;
        for (std::size_t left = below(8); left > 0; --left) {
            text += one_of({"a", "b", "c", "-", ".", "/", "1", "*", "]", "[", "\\", "!", " ", "\xc3\xa9"});
        }
        return text;
    }

  private:
    std::minstd_rand chance_{42};
};

TEST_F(APattern, MeansWhatFnmatchMeans) {
    for (int round = 0; round < 20'000; ++round) {
        const std::string text = random_pattern();
        const Pattern pattern(text);
        for (int names = 0; names < 10; ++names) {
            const std::string name = random_name();
            ASSERT_EQ(pattern.matches(name), fnmatch(text.c_str(), name.c_str(), 0) == 0)
                << "'" << text << "' and '" << name << "'";
        }
    }
}

TEST_F(APattern, WithoutTheEndOfItsBracketStandsForItself) {
    EXPECT_TRUE(Pattern("a[b").matches("a[b"));
    EXPECT_TRUE(Pattern("[").matches("["));
    EXPECT_TRUE(Pattern("[!").matches("[!"));
    EXPECT_FALSE(Pattern("a[b").matches("ab"));
}

TEST_F(APattern, WithABackslashAtItsEndMatchesNothing) {
    EXPECT_FALSE(Pattern("a\\").matches("a"));
    EXPECT_FALSE(Pattern("a\\").matches("a\\"));
}

TEST_F(APattern, OfAnUnknownClassMatchesNothing) { EXPECT_FALSE(Pattern("*[[:none:]a]").matches("a")); }

TEST_F(APattern, MayBeAsLongAsANameAndSoMayTheName) {
    const std::string longest(proto::limits::name_bytes, '?');
    EXPECT_TRUE(Pattern(longest).matches(std::string(longest.size(), 'x')));
    EXPECT_FALSE(Pattern(longest).matches(std::string(longest.size() - 1, 'x')));
    EXPECT_FALSE(Pattern(longest).matches(std::string(longest.size() + 1, 'x')));
    EXPECT_TRUE(Pattern(std::string(proto::limits::name_bytes, '*')).matches(longest));
}

// fnmatch() takes some milliseconds for one name.
TEST_F(APattern, IsQuickHoweverManyWaysThereAre) {
    std::string bad;
    while (bad.size() < proto::limits::name_bytes - 2) {
        bad += "*a";
    }
    bad += 'b';
    const Pattern pattern(bad);
    const std::string name(proto::limits::name_bytes, 'a');
    const auto start = std::chrono::steady_clock::now();
    for (int each = 0; each < 10'000; ++each) {
        ASSERT_FALSE(pattern.matches(name));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1)); // 15 ms of its own
}

} // namespace
} // namespace memshare::daemon
