// A forked child is a process of its own.
#include "tests/support/with_broker.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <mutex>
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

TEST_F(AForkedChild, LocksWhatItInheritedUnderAHolderIdOfItsOwn) {
    const auto value = Value<int>::create("num", 1, {.broker = &broker});
    ChildProcess child([&](Lines& parent) {
        const std::scoped_lock lock(value.mutex());
        parent.say("locked");
        parent.hear();
    });
    child.hear();
    const auto description = broker.describe("num");
    ASSERT_TRUE(description.lock.holder);
    EXPECT_EQ(description.lock.holder->pid, child.pid());
    EXPECT_EQ(description.attachments.size(), 2U);
    EXPECT_FALSE(value.mutex().try_lock());
    const pid_t pid = child.pid();
    child.kill();
    EXPECT_TRUE(value.mutex().try_lock_for(seconds(10)));
    EXPECT_EQ(value.mutex().recovered()->pid, pid);
    value.mutex().unlock();
}

TEST_F(AForkedChild, HasNotWhatItsParentHasLocked) {
    const auto value = Value<int>::create("num", 1, {.broker = &broker});
    std::unique_lock lock(value.mutex());
    ChildProcess child([&](Lines& parent) {
        EXPECT_FALSE(value.mutex().is_held());
        EXPECT_FALSE(value.mutex().try_lock());
        lock.unlock(); // as the end of a scope does, which the child has inherited as well
        EXPECT_FALSE(value.mutex().try_lock());
        parent.say("could not");
        value.mutex().lock();
        EXPECT_FALSE(value.mutex().recovered());
        value.mutex().unlock();
    });
    child.hear();
    EXPECT_TRUE(value.mutex().is_held());
    lock.unlock();
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(AForkedChild, OfAChildThatLockedNothingLocksUnderAnIdOfItsOwn) {
    const auto value = Value<int>::create("num", 1, {.broker = &broker});
    ChildProcess child([&](Lines&) {
        ChildProcess grandchild([&](Lines& parent) {
            const std::scoped_lock lock(value.mutex());
            EXPECT_EQ(Broker(daemon.socket_path()).describe("num").lock.holder->pid, getpid());
            parent.say("locked");
            parent.hear();
        });
        grandchild.hear();
        EXPECT_FALSE(value.mutex().try_lock());
        grandchild.kill();
        EXPECT_TRUE(value.mutex().try_lock_for(seconds(10)));
    });
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(AForkedChild, LocksWhatHasEndedAsWell) {
    auto value = Value<int>::create("num", 1, {.broker = &broker});
    const auto kept = Value<int>::open("num", {.broker = &broker});
    broker.destroy("num");
    ChildProcess child([&](Lines& parent) {
        kept.mutex().lock();
        parent.say("locked");
        parent.hear();
    });
    child.hear();
    child.kill();
    EXPECT_TRUE(value.mutex().try_lock_for(seconds(10)));
    EXPECT_TRUE(value.mutex().recovered());
}

TEST_F(AForkedChild, AttachesAtOnceIfItIsToldTo) {
    const std::array<std::byte, 4> zero{};
    auto segment = Segment::create("num", {.form = Form::value, .element = element_of<int>(), .count = 1},
                                   zero, {.lifetime = Lifetime::attached, .broker = &broker});
    segment.attach_again(); // in the one who made it this does nothing
    EXPECT_EQ(broker.describe("num").attachments.size(), 1U);
    ChildProcess child([&](Lines& parent) {
        segment.attach_again();
        parent.say("attached");
        parent.hear();
    });
    child.hear();
    EXPECT_EQ(broker.describe("num").attachments.size(), 2U);
    child.say("done");
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(AForkedChild, WaitsForItsParentAndItsParentForIt) {
    auto value = Value<int>::create("num", 0, {.broker = &broker});
    const auto reader = Value<const int>::open("num", {.broker = &broker});
    ChildProcess child([&](Lines&) {
        reader.wait(0);
        value.store(2);
    });
    value.store(1);
    value.wait(1);
    EXPECT_EQ(value.load(), 2);
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(AForkedChild, WhoseSegmentIsGoneSaysSoWhenItLocks) {
    std::optional value = Value<int>::create("num", 1, {.broker = &broker});
    ChildProcess child([&](Lines& parent) {
        parent.hear();
        value->store(2); // the memory is there
        EXPECT_EQ(error_of([&] { value->mutex().lock(); }).code(), Errc::no_such_segment);
    });
    value.reset(); // its only attachment
    broker.destroy("num");
    child.say("gone");
    EXPECT_EQ(child.wait(), 0);
}

// With all that is static destroyed, as the connection of Broker::local() is.
TEST_F(AForkedChild, ThatExitsTakesNothingFromItsParent) {
    ChildProcess parent([&](Lines&) {
        setenv("MEMSHARE_SOCKET", daemon.socket_path().c_str(), 1);
        auto mine = Value<int>::create("mine", 1);
        const auto attached = Value<int>::create("attached", 1, {.lifetime = Lifetime::attached});
        const std::scoped_lock lock(mine.mutex());
        const pid_t child = fork();
        if (child == 0) {
            std::exit(0);
        }
        EXPECT_EQ(wait_for_end(child), 0);
        EXPECT_TRUE(mine.mutex().is_held());
        EXPECT_EQ(Broker::local().describe("mine").lock.holder->pid, getpid());
        EXPECT_EQ(Broker::local().describe("mine").attachments.size(), 1U);
        EXPECT_EQ(Broker::local().describe("attached").attachments.size(), 1U);
    });
    EXPECT_EQ(parent.wait(), 0);
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
