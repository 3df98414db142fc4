// A forked child is a process of its own.
#include "tests/support/with_broker.h"

#include <unistd.h>

#include <thread>

namespace memshare::test {
namespace {

using AForkedChild = WithBroker;

TEST_F(AForkedChild, OpensItsOwnConnectionAndLeavesItsParentsAlone) {
    const auto made = Value<int>::create("parent", 1, {.broker = &broker});
    ChildProcess child([&](Lines&) {
        const auto own = Value<int>::create("child", 2, {.broker = &broker});
        EXPECT_EQ(own.info().creator_pid, getpid());
        EXPECT_EQ(Value<int>::open("parent", {.broker = &broker}).load(), 1);
    });
    EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(Value<int>::open("parent", {.broker = &broker}).load(), 1);
    EXPECT_TRUE(eventually([&] { return !lists(broker, "child"); }));
}

TEST_F(AForkedChild, UsesTheMappingThatItInherited) {
    auto value = Value<int>::create("num", 1, {.broker = &broker});
    ChildProcess child([&](Lines&) { value.store(2); });
    EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(value.load(), 2);
}

TEST_F(AForkedChild, ThatDropsAnInheritedHandleDetachesNobody) {
    std::optional value = Value<int>::create("num", 1, {.lifetime = Lifetime::attached, .broker = &broker});
    ChildProcess child([&](Lines&) { value.reset(); });
    EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(broker.describe("num").attachments.size(), 1U);
}

TEST_F(AForkedChild, ThatDropsAnInheritedHandleKeepsTheOneItOpenedItself) {
    std::optional value = Value<int>::create("num", 1, {.broker = &broker});
    ChildProcess child([&](Lines&) {
        const auto own = Value<int>::open("num", {.broker = &broker});
        value.reset();
        EXPECT_EQ(broker.describe("num").attachments.size(), 2U);
    });
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(AForkedChild, OfAForkedChildCanCallAsWell) {
    broker.version();
    ChildProcess child([&](Lines&) {
        broker.version();
        ChildProcess grandchild([&](Lines&) { EXPECT_TRUE(broker.list().empty()); });
        EXPECT_EQ(grandchild.wait(), 0);
        EXPECT_TRUE(broker.list().empty());
    });
    EXPECT_EQ(child.wait(), 0);
    EXPECT_TRUE(broker.list().empty());
}

TEST_F(AForkedChild, CanCallThoughAnotherThreadWasInACallAtTheFork) {
    if (sanitized) {
        GTEST_SKIP() << "the sanitizers do not take a fork beside threads";
    }
    std::jthread caller([&](const std::stop_token& end) {
        while (!end.stop_requested()) {
            broker.list();
        }
    });
    for (int round = 0; round < 100; ++round) {
        ChildProcess child([&](Lines&) { EXPECT_TRUE(broker.list().empty()); });
        ASSERT_EQ(child.wait(), 0);
    }
}

} // namespace
} // namespace memshare::test
