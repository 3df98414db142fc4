// memsharectl with several names, of which some are missing or none can be asked for.
#include "tests/client/ctl/memsharectl.h"

#include <csignal>

namespace memshare::test {
namespace {

class MemsharectlNames : public Memsharectl {};

TEST_F(MemsharectlNames, ThatAreMissingAreToldAndTheOthersDone) {
    output("create a i32 --freezable");
    output("create b i32 --freezable");
    for (const std::string command : {"chmod 0640", "chown :0", "persist", "freeze", "destroy"}) {
        const Said said = (*this)(command + " nope a '' b never");
        EXPECT_EQ(said.exit_code, 1) << command;
        EXPECT_TRUE(contains(said.text, "no segment \"nope\"")) << said.text;
        EXPECT_TRUE(contains(said.text, "no segment \"never\"")) << said.text;
        EXPECT_TRUE(contains(said.text, "\"\": a segment's name has 1 to 255 bytes")) << said.text;
        if (command == "freeze") {
            EXPECT_TRUE(broker.describe("a").segment.frozen);
            EXPECT_TRUE(broker.describe("b").segment.frozen);
        }
        if (command == "chmod 0640") {
            EXPECT_EQ(broker.describe("b").segment.mode, 0640U);
        }
    }
    EXPECT_TRUE(broker.list().empty());
}

TEST_F(MemsharectlNames, ThatAreSaidTwiceAreMissingTheSecondTime) {
    output("create a i32");
    EXPECT_TRUE(contains(mistake("destroy a a"), "no segment \"a\""));
    EXPECT_TRUE(broker.list().empty());
}

TEST_F(MemsharectlNames, OfCommandsAreNamesAllTheSame) {
    for (const std::string name : {"list", "run", "--", "-x", "help"}) {
        output("create -- '" + name + "' f64");
        output("set -- '" + name + "' -1");
        EXPECT_EQ(output("get -- '" + name + "'"), "-1\n");
        output("show -- '" + name + "'");
        output("destroy -- '" + name + "'");
    }
    output("create list f64");
    output("show list");
    output("destroy list");
}

TEST_F(MemsharectlNames, AreNotTriedWithoutABroker) {
    const Said said = run(std::string(MEMSHARECTL) + " --socket /nowhere/none destroy a b c");
    EXPECT_EQ(said.exit_code, 1);
    EXPECT_TRUE(contains(said.text, "\"a\": ")) << said.text;
    EXPECT_TRUE(contains(said.text, "not tried without the broker: \"b\", \"c\"")) << said.text;
}

TEST_F(MemsharectlNames, AreNotTriedOneAfterTheOtherAtABrokerThatHangs) {
    output("create a f64");
    stop(daemon.pid());
    const auto start = Clock::now();
    const Said said = (*this)("destroy a b c");
    const auto spent = Clock::now() - start;
    go_on(daemon.pid());
    EXPECT_EQ(said.exit_code, 1);
    EXPECT_TRUE(contains(said.text, "not tried without the broker: \"b\", \"c\"")) << said.text;
    EXPECT_LT(spent, 2 * broker.timeout());
}

} // namespace
} // namespace memshare::test
