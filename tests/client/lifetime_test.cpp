// Lifetimes: what ends a segment, and that its end takes nothing from those who have it mapped.
#include "tests/support/with_broker.h"

namespace memshare::test {
namespace {

using Lifetimes = WithBroker;

// A process that makes a value of 1 named "num" and keeps it until it is told to let go, and then stays.
ChildProcess creator_of(const BrokerProcess& daemon, Lifetime lifetime) {
    ChildProcess process([&daemon, lifetime](Lines& parent) {
        Broker own(daemon.socket_path());
        std::optional value =
            Value<int>::create("num", 1, {.lifetime = lifetime, .mode = 0666, .broker = &own});
        parent.say("made");
        parent.hear();
        value.reset();
        own.version();
        own.list(); // so the detachment is through
        parent.say("let go");
        parent.hear();
    });
    process.hear();
    return process;
}

bool is_gone_soon(Broker& broker) {
    return eventually([&] { return !lists(broker, "num"); });
}

TEST_F(Lifetimes, CreatorEndsWithTheProcessThatMadeIt) {
    auto creator = creator_of(daemon, Lifetime::creator);
    EXPECT_TRUE(lists(broker, "num"));
    creator.kill();
    EXPECT_TRUE(is_gone_soon(broker));
}

TEST_F(Lifetimes, CreatorOutlivesTheHandleOfItsCreator) {
    auto creator = creator_of(daemon, Lifetime::creator);
    creator.say("let go");
    creator.hear();
    EXPECT_EQ(Value<int>::open("num", {.broker = &broker}).load(), 1);
}

TEST_F(Lifetimes, AttachedEndsWithTheLastAttachment) {
    auto creator = creator_of(daemon, Lifetime::attached);
    std::optional mine = Value<int>::open("num", {.broker = &broker});
    creator.say("let go");
    creator.hear();
    EXPECT_TRUE(lists(broker, "num"));
    mine.reset();
    EXPECT_FALSE(lists(broker, "num"));
}

TEST_F(Lifetimes, AttachedOutlivesItsCreatorsDeath) {
    auto creator = creator_of(daemon, Lifetime::attached);
    const auto mine = Value<int>::open("num", {.broker = &broker});
    creator.kill();
    EXPECT_TRUE(eventually([&] { return broker.describe("num").attachments.size() == 1; }));
    EXPECT_EQ(mine.load(), 1);
}

TEST_F(Lifetimes, AttachedEndsWhenTheLastAttachedProcessIsKilled) {
    auto creator = creator_of(daemon, Lifetime::attached);
    creator.kill();
    EXPECT_TRUE(is_gone_soon(broker));
}

TEST_F(Lifetimes, PersistentOutlivesEverybody) {
    creator_of(daemon, Lifetime::persistent).kill();
    EXPECT_TRUE(eventually([&] { return broker.describe("num").attachments.empty(); }));
    EXPECT_EQ(Value<int>::open("num", {.broker = &broker}).load(), 1);
}

TEST_F(Lifetimes, PersistentEndsWhenItIsDestroyed) {
    creator_of(daemon, Lifetime::persistent).kill();
    broker.destroy("num");
    EXPECT_FALSE(lists(broker, "num"));
}

TEST_F(Lifetimes, UnnamedEndsWithTheLastAttachmentWhateverWasAsked) {
    std::optional made =
        Value<int>::create(unnamed, 1, {.lifetime = Lifetime::persistent, .broker = &broker});
    const std::string id = made->info().id;
    made.reset();
    EXPECT_EQ(error_of([&] { Value<int>::open_by_id(id, {.broker = &broker}); }).code(),
              Errc::no_such_segment);
}

TEST_F(Lifetimes, ADestroyedSegmentStaysMappedAndItsNameIsFree) {
    auto old = Value<int>::create("num", 1, {.broker = &broker});
    const auto reader = Value<const int>::open("num", {.broker = &broker});
    broker.destroy("num");
    EXPECT_EQ(error_of([&] { Value<int>::open("num", {.broker = &broker}); }).code(), Errc::no_such_segment);
    const auto fresh = Value<int>::create("num", 2, {.broker = &broker});
    old.store(3);
    EXPECT_EQ(reader.load(), 3);
    EXPECT_EQ(fresh.load(), 2);
}

TEST_F(Lifetimes, AMappingOutlivesItsCreator) {
    auto creator = creator_of(daemon, Lifetime::creator);
    auto mine = Value<int>::open("num", {.broker = &broker});
    creator.kill();
    EXPECT_TRUE(is_gone_soon(broker));
    mine.store(8);
    EXPECT_EQ(mine.load(), 8);
}

// Changed.

TEST_F(Lifetimes, CanBeChangedToPersistent) {
    auto creator = creator_of(daemon, Lifetime::creator);
    broker.change("num", {.lifetime = Lifetime::persistent});
    creator.kill();
    EXPECT_TRUE(eventually([&] { return broker.describe("num").attachments.empty(); }));
    EXPECT_EQ(Value<int>::open("num", {.broker = &broker}).load(), 1);
}

TEST_F(Lifetimes, CanBeChangedBackToTheCreators) {
    auto creator = creator_of(daemon, Lifetime::persistent);
    broker.change("num", {.lifetime = Lifetime::creator});
    creator.kill();
    EXPECT_TRUE(is_gone_soon(broker));
}

TEST_F(Lifetimes, CannotBeChangedToTheCreatorsWhenThatHasEnded) {
    auto creator = creator_of(daemon, Lifetime::persistent);
    creator.kill();
    EXPECT_TRUE(eventually([&] { return broker.describe("num").attachments.empty(); }));
    EXPECT_EQ(error_of([&] { broker.change("num", {.lifetime = Lifetime::creator, .mode = 0600}); }).code(),
              Errc::invalid_argument);
    EXPECT_EQ(broker.describe("num").segment.lifetime, Lifetime::persistent);
    EXPECT_EQ(broker.describe("num").segment.mode, 0666U);
}

TEST_F(Lifetimes, ChangedToAttachedEndsAtOnceIfNobodyIs) {
    auto creator = creator_of(daemon, Lifetime::persistent);
    broker.change("num", {.lifetime = Lifetime::attached});
    EXPECT_TRUE(lists(broker, "num"));
    broker.change("num", {.lifetime = Lifetime::persistent});
    creator.say("let go");
    creator.hear();
    EXPECT_TRUE(lists(broker, "num"));
    broker.change("num", {.lifetime = Lifetime::attached});
    EXPECT_FALSE(lists(broker, "num"));
}

TEST_F(Lifetimes, TellAHandleWhetherItsSegmentHasEnded) {
    const auto named = Value<int>::create("num", 1, {.broker = &broker});
    const auto array = Array<int>::create(unnamed, 3, {.broker = &broker});
    const auto reader = Value<const int>::open("num", {.broker = &broker});
    EXPECT_TRUE(named.alive() && array.alive() && reader.alive());
    broker.destroy("num");
    EXPECT_FALSE(named.alive() || reader.alive());
    EXPECT_TRUE(array.alive());
}

TEST_F(Lifetimes, AreToldToAForkedChildAsWell) {
    const auto named = Value<int>::create("num", 1, {.broker = &broker});
    ChildProcess child([&](Lines& parent) {
        EXPECT_TRUE(named.alive());
        parent.say("seen");
        parent.hear();
        EXPECT_FALSE(named.alive());
    });
    child.hear();
    broker.destroy("num");
    child.say("destroyed");
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(Lifetimes, AMappingOutlivesTheBroker) {
    auto mine = Value<int>::create("num", 1, {.broker = &broker});
    const auto reader = Value<const int>::open("num", {.broker = &broker});
    daemon.kill();
    mine.store(9);
    EXPECT_EQ(reader.load(), 9);
}

} // namespace
} // namespace memshare::test
