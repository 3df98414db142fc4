// Those who watch what happens: what they are told, and what they lose.
#include "daemon/watchers.h"

#include <gtest/gtest.h>

namespace memshare::daemon {
namespace {

using proto::EventKind;

Segment segment_of(std::uint32_t uid, std::uint32_t mode, std::string_view name) {
    const auto id = proto::SegmentId::random();
    return {.is = {.id = id,
                   .name = proto::SegmentName::parse(name),
                   .type = {},
                   .lifetime = {},
                   .rights = {.uid = uid, .gid = uid, .mode = mode}},
            .memory = std::make_shared<Memory>(*Memory::create(id, abi::page)),
            .creator_program = {},
            .last_recovery = {},
            .charge = {},
            .name_charge = {},
            .descriptor_charge = {},
            .reading_charge = {},
            .record = {},
            .deposit = {},
            .attached = {}};
}

class AWatcher : public testing::Test {
  protected:
    static Filter filter(std::uint32_t uid, std::string pattern = {}) {
        return *Filter::of({.uid = uid, .gid = uid, .groups = {}}, std::move(pattern), {});
    }
    static proto::Event event(EventKind kind, std::uint64_t time = 0) {
        return {.kind = kind, .time_usec = time, .segment = {}, .process = {}};
    }
    static std::vector<EventKind> all_of(Watcher& watcher) {
        std::vector<EventKind> kinds;
        while (const auto next = watcher.take()) {
            kinds.push_back(next->kind);
        }
        return kinds;
    }

    Watchers watchers;
    Segment segment = segment_of(7, 0600, "num");
};

TEST_F(AWatcher, IsToldFirstThatItIsReadyAndThenWhatHappens) {
    const auto watcher = watchers.add(filter(7), 1);
    watchers.tell(segment, event(EventKind::created));
    watchers.tell(segment, event(EventKind::ended));
    EXPECT_EQ(all_of(*watcher), (std::vector{EventKind::ready, EventKind::created, EventKind::ended}));
}

TEST_F(AWatcher, IsNotToldOfWhatItMayNotRead) {
    const auto stranger = watchers.add(filter(8), 1);
    const auto root = watchers.add(filter(0), 1);
    watchers.tell(segment, event(EventKind::created));
    EXPECT_EQ(all_of(*stranger).size(), 1U);
    EXPECT_EQ(all_of(*root).size(), 2U);
}

TEST_F(AWatcher, IsToldOnlyOfTheNamesItAskedFor) {
    const auto watcher = watchers.add(filter(7, "n*"), 1);
    watchers.tell(segment, event(EventKind::created));
    watchers.tell(segment_of(7, 0600, "other"), event(EventKind::created));
    EXPECT_EQ(all_of(*watcher).size(), 2U);
}

TEST_F(AWatcher, ThatDoesNotKeepUpLosesTheOldestAndIsToldHowMany) {
    const auto watcher = watchers.add(filter(7), 0);
    constexpr std::uint64_t told = proto::limits::events_waiting + 9;
    for (std::uint64_t time = 1; time <= told; ++time) {
        watchers.tell(segment, event(EventKind::attached, time));
    }
    const auto first = watcher->take();
    EXPECT_EQ(first->lost, 10U); // "ready" as well
    EXPECT_EQ(first->time_usec, 10U);
    EXPECT_EQ(watcher->take()->lost, 0U);
    EXPECT_EQ(all_of(*watcher).size(), proto::limits::events_waiting - 2);
}

TEST_F(AWatcher, IsWokenByEachEventThatIsForIt) {
    const auto watcher = watchers.add(filter(7), 1);
    watcher->take(); // that it is ready
    int woken = 0;
    watcher->when_something_happens([&] { ++woken; });
    watchers.tell(segment, event(EventKind::created));
    watchers.tell(segment_of(8, 0600, "other"), event(EventKind::created));
    EXPECT_EQ(woken, 1);
}

TEST_F(AWatcher, IsForgottenWhenNobodyKeepsIt) {
    {
        const auto watcher = watchers.add(filter(7), 1);
        EXPECT_FALSE(watchers.empty());
    }
    watchers.tell(segment, event(EventKind::created));
    EXPECT_TRUE(watchers.empty());
}

TEST_F(AWatcher, SharesItsPatternWithOthersThatHaveTheSame) {
    const auto one = watchers.add(filter(7, "n?m"), 1);
    const auto other = watchers.add(filter(7, "n?m"), 1);
    const auto stranger = watchers.add(filter(8, "n?m"), 1);
    const auto apart = watchers.add(filter(7, "x*"), 1);
    watchers.tell(segment, event(EventKind::created));
    EXPECT_EQ(all_of(*one), (std::vector{EventKind::ready, EventKind::created}));
    EXPECT_EQ(all_of(*other), (std::vector{EventKind::ready, EventKind::created}));
    EXPECT_EQ(all_of(*stranger), std::vector{EventKind::ready});
    EXPECT_EQ(all_of(*apart), std::vector{EventKind::ready});
}

TEST_F(AWatcher, IsWokenOnceForAllThatItHasNotTaken) {
    const auto watcher = watchers.add(filter(7), 1);
    all_of(*watcher);
    int wakes = 0;
    watcher->when_something_happens([&] { ++wakes; });
    watchers.tell(segment, event(EventKind::created));
    watchers.tell(segment, event(EventKind::ended));
    EXPECT_EQ(wakes, 1);
    all_of(*watcher);
    watchers.tell(segment, event(EventKind::created));
    EXPECT_EQ(wakes, 2);
}

TEST_F(AWatcher, ThatIsGoneIsForgotten) {
    watchers.add(filter(7, "a*"), 1).reset();
    EXPECT_FALSE(watchers.empty());
    watchers.tell(segment, event(EventKind::created));
    EXPECT_TRUE(watchers.empty());
}

} // namespace
} // namespace memshare::daemon
