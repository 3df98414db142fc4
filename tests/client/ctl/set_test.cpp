// What `memsharectl set` stores, and what it refuses to.
#include "tests/client/ctl/memsharectl.h"

namespace memshare::test {
namespace {

class MemsharectlSet : public Memsharectl {
  protected:
    // What a segment holds after it was set to these words.
    std::string after(const std::string& name, const std::string& words) const {
        output("set " + name + ' ' + words);
        std::string text = output("get " + name);
        text.pop_back();
        return text;
    }
};

TEST_F(MemsharectlSet, OfAShorterTextEndsTheText) {
    for (const std::string kind : {"char", "wchar"}) {
        output("create " + kind + ' ' + kind + " --count 12");
        EXPECT_EQ(after(kind, "autonomous"), "\"autonomous\"");
        EXPECT_EQ(after(kind, "idle"), "\"idle\"");
        EXPECT_EQ(after(kind, "autonomous"), "\"autonomous\"");
        EXPECT_EQ(after(kind, "au to"), "\"auto\"");
        EXPECT_EQ(after(kind, "''"), "\"\"");
        EXPECT_EQ(after(kind, "autonomous"), "\"autonomous\"");
        EXPECT_EQ(after(kind, "mat --at 4"), "\"automat\"");
        EXPECT_EQ(after(kind, "'' --at 2"), "\"au\"");
        output("create one" + kind + ' ' + kind);
        EXPECT_EQ(after("one" + kind, "x"), "\"x\"");
        EXPECT_EQ(after("one" + kind, "''"), "\"\\x00\"");
    }
    EXPECT_TRUE(contains(mistake("set char autonomously!"), "13 elements from index 0 on do not fit"));
    EXPECT_TRUE(contains(mistake("set char --at 10 abc"), "it has room for 2"));
    EXPECT_EQ(output("get char"), "\"au\"\n");
}

TEST_F(MemsharectlSet, OfFewerNumbersLeavesTheOthers) {
    for (const std::string kind : {"u8", "i32", "f64"}) {
        output("create " + kind + ' ' + kind + " --count 4");
        EXPECT_EQ(after(kind, "1 2 3 4"), "[1, 2, 3, 4]");
        EXPECT_EQ(after(kind, "9 8"), "[9, 8, 3, 4]");
        EXPECT_EQ(after(kind, "7 --at 2"), "[9, 8, 7, 4]");
    }
}

struct Robot {
    std::array<char, 8> mode;
    std::array<char32_t, 8> name;
    std::array<std::int16_t, 3> steps;
    char grade;
    double speed;
};
// The macro takes plain arrays; std::array has the same bytes.
void memshare_describe(const Robot* /*type*/) {}
void memshare_describe(const Robot* /*type*/, Element& element) {
    element.name = "Robot";
    element.fields = {{"mode", ElementKind::character, offsetof(Robot, mode), 8},
                      {"name", ElementKind::wide_character, offsetof(Robot, name), 8},
                      {"steps", ElementKind::i16, offsetof(Robot, steps), 3},
                      {"grade", ElementKind::character, offsetof(Robot, grade), 1},
                      {"speed", ElementKind::f64, offsetof(Robot, speed), 1}};
}

TEST_F(MemsharectlSet, OfAFieldEndsItsTextAndLeavesTheOtherFields) {
    const auto robot = Value<Robot>::create("robot", Robot{}, {.broker = &broker});
    const auto robots = Array<Robot>::create("robots", 2, {.broker = &broker});
    output("set robot mode=standing name=Grüße steps=1,2,3 grade=A speed=-2.5");
    EXPECT_EQ(after("robot", "mode=idle name=Bo steps=-7 grade="),
              R"({mode: "idle", name: "Bo", steps: [-7, 2, 3], grade: "\x00", speed: -2.5})");
    EXPECT_EQ(after("robot", "mode= name="),
              R"({mode: "", name: "", steps: [-7, 2, 3], grade: "\x00", speed: -2.5})");
    output("set robots --at 1 mode=standing speed=1");
    output("set robots --at 1 mode=idle");
    EXPECT_EQ(output("get robots 1"), R"({mode: "idle", name: "", steps: [0, 0, 0], grade: "\x00", speed: 1})"
                                      "\n");
    EXPECT_TRUE(contains(mistake("set robot mode=sleepwalking"), "the field mode has 8 char"));
    EXPECT_TRUE(contains(mistake("set robot steps=1,2,3,4"), "the field steps has 3 i16"));
    EXPECT_TRUE(contains(mistake("set robot steps=1,,3"), "from -32768 to 32767"));
    EXPECT_TRUE(contains(mistake("set robot size=1"), "one of mode, name, steps, grade, speed"));
    EXPECT_TRUE(contains(mistake("set robot fast"), "FIELD=VALUE"));
}

TEST_F(MemsharectlSet, TakesInfinityAndWhatIsNoNumber) {
    output("create f f64 --count 3");
    EXPECT_EQ(after("f", "-inf nan inf"), "[-inf, nan, inf]");
    EXPECT_EQ(after("f", "-0 1e308 -5e-324"), "[-0, 1e+308, -5e-324]");
    EXPECT_EQ(after("f", "--at 1 -INF"), "[-0, -inf, -5e-324]");
}

TEST_F(MemsharectlSet, SaysWhatAnElementTakesIfTheWordDoesNotFit) {
    const auto refusal = [&](const std::string& kind, const std::string& word) {
        if (!lists(broker, kind)) {
            output("create " + kind + ' ' + kind);
        }
        const std::string said = mistake("set " + kind + " -- '" + word + "'");
        EXPECT_TRUE(contains(said, '"' + word + '"')) << said;
        EXPECT_EQ(broker.describe(kind).segment.count, 1U);
        return said;
    };
    for (const std::string word : {"300", "-1", "-0", "1.5", "nan", "", " 1", "1 ", "+1", "0x10", "1e2"}) {
        EXPECT_TRUE(contains(refusal("u8", word), "a whole number from 0 to 255, as u8 takes"));
    }
    EXPECT_TRUE(contains(refusal("i8", "128"), "from -128 to 127"));
    EXPECT_TRUE(contains(refusal("i32", "1.5"), "from -2147483648 to 2147483647"));
    EXPECT_TRUE(contains(refusal("i64", "9223372036854775808"), "to 9223372036854775807"));
    EXPECT_TRUE(contains(refusal("u64", "18446744073709551616"), "to 18446744073709551615"));
    EXPECT_TRUE(contains(refusal("f64", "1e400"), "at most 1.8e308"));
    EXPECT_TRUE(contains(refusal("f32", "1e39"), "at most 3.4e38"));
    EXPECT_TRUE(contains(refusal("f64", "one"), "a number that f64 takes"));
    EXPECT_TRUE(contains(refusal("bool", "2"), "true, false, 1 or 0"));
    EXPECT_EQ(output("get u8"), "0\n");
}

TEST_F(MemsharectlSet, SaysThatWideCharactersComeFromUtf8) {
    output("create w wchar --count 4");
    for (const std::string bytes :
         {"b\\377d", "\\300\\200", "\\355\\240\\200", "\\364\\220\\200\\200", "a\\303"}) {
        const Said said = script("$m set w \"$(printf '" + bytes + "')\"");
        EXPECT_EQ(said.exit_code, 1) << bytes;
        EXPECT_TRUE(contains(said.text, "is not UTF-8")) << said.text;
    }
    EXPECT_EQ(after("w", "'\u00e9\U0001F600'"), "\"\u00e9\U0001F600\"");
}

TEST_F(MemsharectlSet, TakesAWordWithADashAfterTwoDashes) {
    output("create t char --count 8");
    EXPECT_EQ(after("t", "-- -x"), "\"-x\"");
    EXPECT_TRUE(contains(mistake("set t -x"), "comes after \"--\""));
}

TEST_F(MemsharectlSet, SaysWhoKeepsTheLockOfAStruct) {
    const auto robot = Value<Robot>::create("robot", Robot{}, {.broker = &broker});
    const std::scoped_lock lock(robot.mutex());
    const std::string said = mistake("set robot speed=1");
    EXPECT_TRUE(contains(said, "not free within 5 s")) << said;
    EXPECT_TRUE(contains(said, '[' + std::to_string(getpid()) + "] has it")) << said;
}

} // namespace
} // namespace memshare::test
