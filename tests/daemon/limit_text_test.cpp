#include "daemon/limit_text.h"

#include <gtest/gtest.h>

namespace memshare::daemon {
namespace {

TEST(ALimitAsItIsWritten, IsAWholeNumberWithOrWithoutAUnit) {
    EXPECT_EQ(read_limit("0"), 0U);
    EXPECT_EQ(read_limit("512"), 512U);
    EXPECT_EQ(read_limit("5K"), 5U * 1024);
    EXPECT_EQ(read_limit("5m"), 5U * 1024 * 1024);
    EXPECT_EQ(read_limit("1G"), std::uint64_t{1} << 30);
    EXPECT_EQ(read_limit("4T"), std::uint64_t{1} << 42);
    EXPECT_EQ(read_limit("9223372036854775807"), most_of_a_limit);
    EXPECT_EQ(read_limit("8388607T"), std::uint64_t{8388607} << 40);
}

TEST(ALimitAsItIsWritten, IsNothingElseAndNeverNoLimit) {
    for (const char* text : {"",
                             " ",
                             "-1",
                             "-5K",
                             "+5",
                             "-0",
                             "0x10",
                             "010",
                             "08",
                             "1b",
                             "1KB",
                             "1KiB",
                             "5 ",
                             " 5",
                             "1 K",
                             "1.5",
                             "1e3",
                             "K",
                             "many",
                             "5k5",
                             "unlimited",
                             "9223372036854775808",
                             "18446744073709551615",
                             "18446744073709551616",
                             "99999999999999999999",
                             "8388608T",
                             "9007199254740992K"}) {
        const auto read = read_limit(text);
        ASSERT_FALSE(read) << text;
        EXPECT_TRUE(read.error().contains("\"" + std::string(text) + "\" is no limit: ")) << read.error();
    }
}

} // namespace
} // namespace memshare::daemon
