// The main job: two separate programs, neither a child of the other's, share a value and an array.
#include "tests/support/with_broker.h"

namespace memshare::test {
namespace {

using TwoPrograms = WithBroker;

TEST_F(TwoPrograms, ShareAValueAndAnArray) {
    const std::vector<std::pair<std::string, std::string>> here{{"MEMSHARE_SOCKET", daemon.socket_path()}};
    auto creator = ChildProcess::program({DEMO_CREATOR}, here);
    EXPECT_EQ(creator.hear(), "made num and arr\n");
    EXPECT_EQ(broker.list().size(), 2U);
    auto filler = ChildProcess::program({DEMO_FILLER}, here);
    EXPECT_EQ(filler.wait(), 0);
    creator.say("\n");
    EXPECT_EQ(creator.hear(), "3.1415926\n[0, 1, 2, 3, 4]\n");
    creator.say("\n");
    EXPECT_EQ(creator.wait(), 0);
    EXPECT_TRUE(eventually([&] { return broker.list().empty(); }));
}

} // namespace
} // namespace memshare::test
