// What is long for the broker is done in steps: nobody waits for another user's many segments, watches and
// patterns.
#include "proto/limits.h"
#include "tests/support/raw_peer.h"
#include "tests/support/service_manager.h"
#include "tests/support/with_broker.h"

#include <unistd.h>

#include <algorithm>

namespace memshare::test {
namespace {

namespace limits = proto::limits;

constexpr int many = 3000;
static_assert(many > 2 * limits::segments_in_a_step);

// A name of the greatest length, and a pattern that fnmatch(3) takes milliseconds to hold against it.
std::string long_name(int number) {
    std::string name = std::to_string(number);
    return name + std::string(255 - name.size(), 'a');
}
std::string hard_pattern() {
    std::string pattern = "*a[";
    for (int times = 0; times < 24; ++times) {
        pattern += "[:digit:]";
    }
    return pattern + "]";
}

void make_many(RawPeer& peer) {
    for (int number = 0; number < many; ++number) {
        EXPECT_EQ(peer.call("Create", array_of_i32(long_name(number))).error(), "");
    }
}

class OthersWork : public WithBroker {
  protected:
    // Lets this user's calls go on meanwhile, and returns when the broker has nothing of nobody's any more.
    void wait_for_the_end_of_all() {
        EXPECT_TRUE(eventually([&] {
            const auto all = broker.statistics().users;
            return std::ranges::find(all, nobody.uid, &UserUsage::uid) == all.end();
        }));
    }

    void expect_no_long_step() {
        const Counters counters = broker.statistics().counters;
        EXPECT_EQ(sanitized ? 0 : counters.steps_over_5_ms, 0U) << counters.longest_step.count() << " us";
    }
};

TEST_F(OthersWork, WaitsForNoListWithAHardPattern) {
    NEEDS_ROOT();
    ChildProcess greedy = ChildProcess::as_user(nobody, [&](Lines&) {
        RawPeer peer(daemon.socket_path());
        make_many(peer);
        EXPECT_TRUE(peer.call("List", {{"pattern", hard_pattern()}})["segments"].empty());
        EXPECT_EQ(peer.call("List").error(), "org.varlink.service.ExpectedMore");
        peer.send_call("List", {{"pattern", "*9a*"}}, {{"more", true}});
        std::size_t found = 0;
        for (auto part = peer.receive(); part; part = peer.receive()) {
            found += (*part)["segments"].size();
            if (!part->json.value("continues", false)) {
                break;
            }
        }
        EXPECT_EQ(found, many / 10);
    });
    EXPECT_EQ(greedy.wait(), 0);
    wait_for_the_end_of_all();
    expect_no_long_step();
}

TEST_F(OthersWork, WaitsForNoEndOfASessionThatManyWatch) {
    NEEDS_ROOT();
    ChildProcess watcher = ChildProcess::as_user(nobody, [&](Lines& parent) {
        std::vector<RawPeer> watches;
        for (int number = 0; number < 64; ++number) {
            watches.emplace_back(daemon.socket_path())
                .send_call("Watch", {{"pattern", hard_pattern() + std::to_string(number)}}, {{"more", true}});
            EXPECT_TRUE(watches.back().receive());
        }
        parent.say("watching");
        parent.hear();
    });
    ASSERT_EQ(watcher.hear(), "watching");
    ChildProcess greedy = ChildProcess::as_user(nobody, [&](Lines& parent) {
        RawPeer peer(daemon.socket_path());
        make_many(peer);
        parent.say("made");
        parent.hear();
    });
    ASSERT_EQ(greedy.hear(), "made");
    greedy.kill();
    EXPECT_TRUE(eventually([&] { return broker.list().empty(); }));
    watcher.say("end");
    EXPECT_EQ(watcher.wait(), 0);
    wait_for_the_end_of_all();
    expect_no_long_step();
}

TEST_F(OthersWork, WaitsForNoDescriptionOfASegmentThatManyHave) {
    constexpr std::size_t sessions = limits::attachments_in_a_step + 50;
    RawPeer maker(daemon.socket_path());
    maker.call("Create", array_of_i32("shared"));
    std::vector<RawPeer> peers;
    while (peers.size() < sessions) {
        peers.emplace_back(daemon.socket_path());
        EXPECT_EQ(peers.back().call("Attach", {{"name", "shared"}, {"access", "read"}}).error(), "");
    }
    const SegmentDescription description = broker.describe("shared");
    EXPECT_EQ(description.attachments.size(), sessions + 1);
    EXPECT_TRUE(std::ranges::is_sorted(description.attachments, {}, &AttachmentInfo::since));
    EXPECT_EQ(description.segment.name, "shared");
    expect_no_long_step();
}

TEST_F(OthersWork, WaitsForNoStatisticsOfManyUsers) {
    NEEDS_ROOT();
    constexpr std::uint32_t users = limits::users_in_a_step + limits::users_told;
    ChildProcess all_of_them([&](Lines&) {
        for (std::uint32_t uid = 1; uid <= users; ++uid) {
            ASSERT_EQ(seteuid(uid), 0);
            RawPeer peer(daemon.socket_path());
            Json call = array_of_i32(std::to_string(uid));
            call["lifetime"] = "persistent";
            EXPECT_EQ(peer.call("Create", call).error(), "");
            if (uid == users) { // which has most
                call["name"] = "one more";
                EXPECT_EQ(peer.call("Create", call).error(), "");
            }
            ASSERT_EQ(seteuid(0), 0);
        }
    });
    ASSERT_EQ(all_of_them.wait(), 0);
    const auto told = broker.statistics().users;
    EXPECT_EQ(told.size(), limits::users_told + 1) << "root's is one more";
    EXPECT_EQ(told.front().uid, 0U);
    EXPECT_EQ(told.back().uid, users);
    expect_no_long_step();
}

TEST_F(OthersWork, IsDoneBeforeTheRestOfALongGoodbye) {
    RawPeer peer(daemon.socket_path());
    make_many(peer);
    EXPECT_EQ(peer.call("Goodbye").error(), "");
    EXPECT_TRUE(broker.list().empty()) << "the answer comes when all is done";
    EXPECT_TRUE(peer.is_ended());
}

class ALongEnd : public testing::Test {
  protected:
    ServiceManager service;
    Broker broker{service.socket_path()};
};

TEST_F(ALongEnd, GoesOnWhereverTheBrokerIsKilledInIt) {
    const auto mine = Value<int>::create("mine", 1, {.broker = &broker});
    for (int round = 0; round < 6; ++round) {
        ChildProcess greedy([&](Lines& parent) {
            RawPeer peer(service.socket_path());
            make_many(peer);
            Broker own(service.socket_path());
            auto held = Value<int>::open("mine", {.broker = &own});
            held.mutex().lock();
            parent.say("made");
            parent.hear();
        });
        ASSERT_EQ(greedy.hear(), "made");
        const pid_t dead = greedy.pid();
        greedy.kill();
        std::uint64_t left = many;
        while (left > static_cast<std::uint64_t>(many * round / 6)) { // somewhere else each time
            const auto all = broker.statistics().total;
            left = std::ranges::find(all, "names", &Usage::resource)->used - 1;
        }
        service.kill();
        service.start();
        auto held = Value<int>::open("mine", {.broker = &broker});
        expect_to_inherit(held.mutex(), dead);
        EXPECT_TRUE(eventually([&] { return broker.list().size() == 1; }));
        EXPECT_TRUE(eventually([&] {
            const auto all = broker.statistics().total;
            return std::ranges::find(all, "sessions", &Usage::resource)->used == 1;
        }));
    }
}

} // namespace
} // namespace memshare::test
