// Broker: what can be asked of it.
#include "tests/support/with_broker.h"

#include <algorithm>

namespace memshare::test {
namespace {

using ABroker = WithBroker;

std::vector<std::string> names_of(const std::vector<SegmentInfo>& segments) {
    std::vector<std::string> names;
    std::ranges::transform(segments, std::back_inserter(names), &SegmentInfo::name);
    return names;
}

TEST_F(ABroker, ListsWhatThereIsOldestFirst) {
    const auto first = Value<int>::create("b", 1, {.broker = &broker});
    const auto second = Array<double>::create("a", 5, {.broker = &broker});
    const auto listed = broker.list();
    EXPECT_EQ(names_of(listed), (std::vector<std::string>{"b", "a"}));
    EXPECT_EQ(listed[1].type(), "array of 5 f64");
    EXPECT_EQ(listed[1].attachments, 1U);
}

TEST_F(ABroker, ListsWhatMatchesAPattern) {
    const auto first = Value<int>::create("cam/0", 1, {.broker = &broker});
    const auto second = Value<int>::create("cam/1", 1, {.broker = &broker});
    const auto third = Value<int>::create("pose", 1, {.broker = &broker});
    EXPECT_EQ(names_of(broker.list("cam/*")), (std::vector<std::string>{"cam/0", "cam/1"}));
    EXPECT_EQ(names_of(broker.list("p?se")), (std::vector<std::string>{"pose"}));
    EXPECT_TRUE(broker.list("none").empty());
}

TEST_F(ABroker, ListsMoreThanFitsInOneBatch) {
    std::vector<Value<int>> values;
    std::vector<std::string> names;
    for (int number = 0; number < 300; ++number) {
        names.push_back("many" + std::to_string(number));
        values.push_back(Value<int>::create(names.back(), number, {.broker = &broker}));
    }
    EXPECT_EQ(names_of(broker.list("many*")), names);
}

TEST_F(ABroker, ListsExactlyOneBatch) {
    std::vector<Value<int>> values;
    for (int number = 0; number < 128; ++number) {
        values.push_back(Value<int>::create(unnamed, number, {.broker = &broker}));
    }
    EXPECT_EQ(broker.list().size(), 128U);
}

TEST_F(ABroker, DescribesASegmentAndWhoHasItMapped) {
    const auto made = Value<int>::create("num", 1, {.broker = &broker});
    ChildProcess reader([&](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto seen = Value<const int>::open("num", {.broker = &own});
        parent.say("open");
        parent.hear();
    });
    reader.hear();
    const auto told = broker.describe("num");
    EXPECT_EQ(told.segment.id, made.info().id);
    ASSERT_EQ(told.attachments.size(), 2U);
    EXPECT_EQ(told.attachments[0].pid, getpid());
    EXPECT_EQ(told.attachments[0].access, Access::write);
    EXPECT_EQ(told.attachments[0].program, "client_test");
    EXPECT_EQ(told.attachments[1].pid, reader.pid());
    EXPECT_EQ(told.attachments[1].access, Access::read);
}

TEST_F(ABroker, DescribesByIdAsWell) {
    const auto made = Value<int>::create(unnamed, 1, {.broker = &broker});
    EXPECT_EQ(broker.describe(made.info().id).segment.id, made.info().id);
}

TEST_F(ABroker, DescribesNothingThatIsNotThere) {
    const Error error = error_of([&] { broker.describe("none"); });
    EXPECT_EQ(error.code(), Errc::no_such_segment);
    EXPECT_EQ(error.segment(), "none");
}

TEST_F(ABroker, DestroysByNameAndById) {
    const auto named = Value<int>::create("num", 1, {.broker = &broker});
    const auto other = Value<int>::create(unnamed, 1, {.broker = &broker});
    broker.destroy("num");
    broker.destroy(other.info().id);
    EXPECT_TRUE(broker.list().empty());
}

TEST_F(ABroker, TellsItsVersion) { EXPECT_FALSE(broker.version().empty()); }

TEST_F(ABroker, IsTheOneThatTheEnvironmentNames) {
    ChildProcess other([&](Lines&) {
        setenv("MEMSHARE_SOCKET", daemon.socket_path().c_str(), 1);
        EXPECT_EQ(Broker::local().socket_path(), daemon.socket_path());
        EXPECT_EQ(Value<int>::create("num", 4).load(), 4);
    });
    EXPECT_EQ(other.wait(), 0);
}

TEST_F(ABroker, TellsWhatHappensUntilItIsToldToStop) {
    ChildProcess watching([this](Lines& parent) {
        Broker own(daemon.socket_path());
        own.watch("n*", [&](const Event& event) {
            if (event.kind == EventKind::ready) {
                ChildProcess child([](Lines&) {}); // a fork in there waits for nothing
                EXPECT_EQ(child.wait(), 0);
            }
            parent.say(event.segment ? event.segment->name : "ready");
            return event.kind != EventKind::ended;
        });
        EXPECT_TRUE(own.list().empty());
    });
    EXPECT_EQ(watching.hear(), "ready");
    {
        const auto other = Value<int>::create("other", 1, {.broker = &broker});
        const auto made = Value<int>::create("num", 1, {.broker = &broker});
    }
    EXPECT_EQ(watching.hear(), "num");
    broker.destroy("other");
    broker.destroy("num");
    EXPECT_EQ(watching.wait(), 0);
}

} // namespace
} // namespace memshare::test
