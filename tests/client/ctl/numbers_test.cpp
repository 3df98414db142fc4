// Numbers, ranges, modes, groups and unknown words on memsharectl's command line.
#include "tests/client/ctl/memsharectl.h"

namespace memshare::test {
namespace {

class MemsharectlNumbers : public Memsharectl {
  protected:
    // A mistake in the words themselves, for which no broker is asked.
    std::string usage_mistake(const std::string& words) const {
        const Said said = (*this)(words);
        EXPECT_GE(said.exit_code, 100) << words << ": " << said.text;
        EXPECT_TRUE(said.text.starts_with("memsharectl: ")) << said.text;
        return said.text;
    }
};

TEST_F(MemsharectlNumbers, OfARangeAreWithinTheArray) {
    output("create arr i32 --count 5");
    EXPECT_EQ(output("get arr 5:5"), "[]\n");
    EXPECT_EQ(output("get arr :"), "[0, 0, 0, 0, 0]\n");
    for (const std::string word : {"5", "-1", "99999999999999999999", "x", "1.5", "0x1", " 1"}) {
        const std::string said = mistake("get arr '" + word + "'");
        EXPECT_TRUE(contains(said, "index " + word + " is not there")) << said;
        EXPECT_TRUE(contains(said, "an array of 5 i32, with indices from 0 to 4")) << said;
    }
    for (const std::string word : {"0:6", "-1:2", "1:-1", "1:2:3", "a:b", "6:", "99999999999999999999:"}) {
        EXPECT_TRUE(contains(mistake("get arr " + word), "with indices from 0 to 4")) << word;
    }
    EXPECT_TRUE(contains(mistake("get arr 3:2"), "range \"3:2\" ends before it begins"));
    output("create num f64");
    EXPECT_TRUE(contains(mistake("get num 1"), "with the index 0 only"));
}

TEST_F(MemsharectlNumbers, OfAnIndexToSetAreWithinTheArray) {
    output("create arr i32 --count 5");
    EXPECT_TRUE(contains(mistake("set arr --at 5 1"), "whose last index is 4"));
    for (const std::string word : {"-1", "x", "''", "1.5", "0x1", "18446744073709551616"}) {
        EXPECT_TRUE(contains(usage_mistake("set arr --at " + word + " 1"), "whole number from 0")) << word;
    }
}

TEST_F(MemsharectlNumbers, OfACountOrAShapeAreWholeAndDecimal) {
    for (const std::string word : {"0", "-1", "x", "''", "1.5", "0x10", "1e3", "18446744073709551616"}) {
        EXPECT_TRUE(contains(usage_mistake("create a f64 --count " + word), "whole number from 1")) << word;
        EXPECT_TRUE(contains(usage_mistake("create a f64 --shape 2," + word), "whole number from 1")) << word;
    }
    EXPECT_TRUE(contains(usage_mistake("create a f64 --shape 4294967296,4294967296"), "elements"));
    EXPECT_TRUE(contains(usage_mistake("create a f64 --shape 2,3 --count 5"), "multiply to 6"));
    output("create a f64 --count 010");
    EXPECT_EQ(broker.describe("a").segment.count, 10U) << "it is not taken for octal";
    output("create --shape 3,4 b f64");
    EXPECT_EQ(broker.describe("b").segment.shape, (std::vector<std::uint64_t>{3, 4}));
}

TEST_F(MemsharectlNumbers, OfAModeAreReadAndWriteBits) {
    output("create num f64 --mode 0640");
    for (const std::string word : {"rw", "''", "9", "-1", "0777", "04644", "100000000000"}) {
        EXPECT_TRUE(contains(usage_mistake("chmod -- " + word + " num"), "0 to 0666")) << word;
        EXPECT_TRUE(contains(usage_mistake("create b f64 --mode " + word), "0 to 0666")) << word;
    }
    EXPECT_EQ(broker.describe("num").segment.mode, 0640U);
}

TEST_F(MemsharectlNumbers, OfAGroupAreOnesThatCanBe) {
    output("create num f64");
    for (const std::string word : {"''", "nosuchgroup", "-1", "4294967295", "99999999999"}) {
        EXPECT_TRUE(contains(usage_mistake("create b f64 --group " + word), "group")) << word;
    }
    EXPECT_TRUE(contains(usage_mistake("chown : num"), "no group \"\""));
    EXPECT_TRUE(contains(usage_mistake("chown '' num"), ":GROUP"));
    EXPECT_TRUE(contains(usage_mistake("--socket '' list"), "empty"));
    EXPECT_TRUE(contains(usage_mistake("run --daemon '' -- true"), "empty"));
}

TEST_F(MemsharectlNumbers, AreNoOptionsAndUnknownOptionsAreTold) {
    output("create arr i32 --count 3");
    EXPECT_TRUE(contains(usage_mistake("set arr -x"), "no option -x here"));
    EXPECT_TRUE(contains(usage_mistake("set arr --at"), "--at"));
    EXPECT_FALSE(contains(usage_mistake("set arr --at"), "\"--\" is not"));
    EXPECT_TRUE(contains(usage_mistake("get arr ''"), "RANGE"));
    EXPECT_TRUE(contains(usage_mistake("show arr --yaml"), "no option --yaml here"));
    EXPECT_TRUE(contains(usage_mistake("show arr other"), "other"));
    EXPECT_TRUE(contains(usage_mistake("frobnicate"), "no command frobnicate"));
    EXPECT_TRUE(contains(usage_mistake(""), "no command was given"));
    for (const std::string command : {"list", "watch"}) {
        EXPECT_TRUE(contains(script("$m " + command + " \"$(printf 'b\\377*')\"").text, "not UTF-8"));
    }
}

} // namespace
} // namespace memshare::test
