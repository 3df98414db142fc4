// The daemon is killed and started again by a service manager that keeps what it asks for: nothing is lost,
// and what comes to its end meanwhile does.
#include "tests/support/raw_peer.h"
#include "tests/support/service_manager.h"
#include "tests/support/with_broker.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <mutex>

namespace memshare::test {
namespace {

struct Pair {
    int one, other;
};

class AServiceThatIsKilled : public testing::Test {
  protected:
    void kill_and_start() {
        service.kill();
        service.start();
    }

    std::uint64_t used(std::string_view resource) {
        const auto all = broker.statistics().total;
        return std::ranges::find(all, resource, &Usage::resource)->used;
    }

    ServiceManager service;
    Broker broker{service.socket_path()};
};

TEST_F(AServiceThatIsKilled, HasItsSegmentsAsTheyWere) {
    const auto value = Value<int>::create("value", 7, {.mode = 0640, .broker = &broker});
    const auto array = Array<Pair>::create(
        "array", 5, {.lifetime = Lifetime::persistent, .freezable = true, .broker = &broker});
    const auto names = {"value", "array"};
    std::vector<SegmentDescription> before;
    std::ranges::transform(names, std::back_inserter(before),
                           [&](auto name) { return broker.describe(name); });
    kill_and_start();
    for (const SegmentDescription& was : before) {
        const SegmentDescription is = broker.describe(was.segment.name);
        EXPECT_EQ(is.segment.id, was.segment.id);
        EXPECT_EQ(is.segment.type(), was.segment.type());
        EXPECT_EQ(is.segment.element.fields, was.segment.element.fields);
        EXPECT_EQ(is.segment.lifetime, was.segment.lifetime);
        EXPECT_EQ(is.segment.mode, was.segment.mode);
        EXPECT_EQ(is.segment.uid, was.segment.uid);
        EXPECT_EQ(is.segment.gid, was.segment.gid);
        EXPECT_EQ(is.segment.creator_pid, getpid());
        EXPECT_EQ(is.segment.creator_program, was.segment.creator_program);
        EXPECT_EQ(is.segment.created, was.segment.created);
        ASSERT_EQ(is.attachments.size(), 1U);
        EXPECT_EQ(is.attachments[0].pid, getpid());
        EXPECT_EQ(is.attachments[0].access, Access::write);
        EXPECT_EQ(is.attachments[0].since, was.attachments[0].since);
    }
    EXPECT_EQ(Value<int>::open("value", {.broker = &broker}).load(), 7);
    EXPECT_TRUE(value.alive());
    EXPECT_TRUE(array.alive());
}

TEST_F(AServiceThatIsKilled, CountsWhatIsUsedAsBefore) {
    const auto one = Value<int>::create("one", 1, {.broker = &broker});
    const auto other = Array<int>::create("other", 100'000, {.broker = &broker});
    const auto seen = Value<const int>::open("one", {.broker = &broker});
    const auto before = broker.statistics();
    kill_and_start();
    const auto after = broker.statistics();
    for (std::size_t at = 0; at < before.total.size(); ++at) {
        // What is open for reading only is opened anew when somebody asks for it.
        const std::uint64_t reading = before.total[at].resource == "descriptors" ? 1 : 0;
        EXPECT_EQ(after.total[at].used, before.total[at].used - reading) << before.total[at].resource;
    }
}

TEST_F(AServiceThatIsKilled, LeavesALockWithItsHolder) {
    const auto value = Value<int>::create("locked", 0, {.broker = &broker});
    const std::scoped_lock lock(value.mutex());
    kill_and_start();
    EXPECT_EQ(broker.describe("locked").lock.holder->pid, getpid());
    ChildProcess other([&](Lines&) {
        Broker own(service.socket_path());
        const auto same = Value<int>::open("locked", {.broker = &own});
        EXPECT_FALSE(same.mutex().try_lock_for(milliseconds(20)));
    });
    EXPECT_EQ(other.wait(), 0);
}

TEST_F(AServiceThatIsKilled, RecoversTheLockOfWhoDiedMeanwhile) {
    const auto value = Value<int>::create("locked", 0, {.broker = &broker});
    ChildProcess holder([&](Lines& parent) {
        Broker own(service.socket_path());
        const auto same = Value<int>::open("locked", {.broker = &own});
        same.mutex().lock();
        parent.say("locked");
        pause();
    });
    ASSERT_EQ(holder.hear(), "locked");
    const pid_t dead = holder.pid();
    ChildProcess waiter([&](Lines& parent) {
        Broker own(service.socket_path());
        const auto same = Value<int>::open("locked", {.broker = &own});
        parent.say("waits");
        expect_to_inherit(same.mutex(), dead);
    });
    ASSERT_EQ(waiter.hear(), "waits");
    service.kill();
    holder.kill();
    EXPECT_FALSE(value.mutex().try_lock_for(milliseconds(20)));
    service.start();
    EXPECT_EQ(waiter.wait(), 0);
    EXPECT_EQ(broker.describe("locked").lock.recoveries, 1U);
}

TEST_F(AServiceThatIsKilled, EndsWhatLivesAsLongAsWhoDiedMeanwhile) {
    ChildProcess creator([&](Lines& parent) {
        Broker own(service.socket_path());
        const auto of_creator = Value<int>::create("of the creator", 0, {.broker = &own});
        const auto attached =
            Value<int>::create("attached", 0, {.lifetime = Lifetime::attached, .broker = &own});
        Value<int>::create("persistent", 3, {.lifetime = Lifetime::persistent, .broker = &own});
        parent.say("made");
        pause();
    });
    ASSERT_EQ(creator.hear(), "made");
    const auto seen = Value<int>::open("of the creator", {.broker = &broker});
    service.kill();
    creator.kill();
    service.start();
    EXPECT_TRUE(eventually([&] { return broker.list().size() == 1; }));
    EXPECT_FALSE(seen.alive());
    EXPECT_EQ(Value<int>::open("persistent", {.broker = &broker}).load(), 3);
    EXPECT_EQ(used("sessions"), 1U);
}

TEST_F(AServiceThatIsKilled, KnowsWhatWasDoneToASegment) {
    auto frozen = Value<int>::create("frozen", 1, {.freezable = true, .broker = &broker});
    frozen.freeze();
    auto changed = Value<int>::create("changed", 2, {.broker = &broker});
    broker.change("changed", {.lifetime = Lifetime::persistent, .mode = 0644});
    const auto published = Value<int>::create("published", 3, {.reserve = true, .broker = &broker});
    const auto ended = Value<int>::create("ended", 4, {.broker = &broker});
    broker.destroy("ended");
    kill_and_start();
    EXPECT_TRUE(broker.describe("frozen").segment.frozen);
    EXPECT_EQ(error_of([&] { Value<int>::open("frozen", {.broker = &broker}); }).code(), Errc::frozen);
    EXPECT_EQ(broker.describe("changed").segment.lifetime, Lifetime::persistent);
    EXPECT_EQ(broker.describe("changed").segment.mode, 0644U);
    EXPECT_EQ(Value<int>::open("published", {.broker = &broker}).load(), 3);
    EXPECT_FALSE(ended.alive());
    EXPECT_EQ(Value<int>::create("ended", 5, {.broker = &broker}).load(), 5) << "the name is free";
}

TEST_F(AServiceThatIsKilled, GoesOnWithASessionAndItsNumber) {
    RawPeer before(service.socket_path());
    const auto hello = before.call("Hello");
    before.call("Create", array_of_i32("mine"));
    kill_and_start();
    EXPECT_TRUE(before.is_ended());
    RawPeer after(service.socket_path());
    const auto again = after.call("Hello", {{"resumeToken", hello["token"]}});
    EXPECT_EQ(again["holder"], hello["holder"]);
    EXPECT_EQ(after.call("Detach", {{"name", "mine"}}).error(), "");
    EXPECT_EQ(after.call("Detach", {{"name", "mine"}}).error(), "io.memshare.Broker.NoSuchSegment");
    after.call("Goodbye");
    kill_and_start();
    RawPeer late(service.socket_path());
    EXPECT_EQ(late.call("Hello", {{"resumeToken", hello["token"]}}).error(),
              "io.memshare.Broker.NotResumable");
}

TEST_F(AServiceThatIsKilled, GivesNoNewSessionANumberThatWasUsed) {
    RawPeer before(service.socket_path());
    const auto holder = before.call("Hello")["holder"].get<std::uint64_t>();
    before.call("Goodbye");
    kill_and_start();
    EXPECT_GT(RawPeer(service.socket_path()).call("Hello")["holder"].get<std::uint64_t>(), holder);
}

TEST_F(AServiceThatIsKilled, CountsACallThatIsMadeAgainOnce) {
    const auto value = Value<int>::create("num", 0, {.broker = &broker});
    RawPeer before(service.socket_path());
    const auto hello = before.call("Hello");
    const Json attach = {{"name", "num"}, {"access", "write"}, {"serial", 1}};
    before.call("Attach", attach);
    kill_and_start();
    RawPeer after(service.socket_path());
    after.call("Hello", {{"resumeToken", hello["token"]}});
    const auto again = after.call("Attach", attach);
    EXPECT_EQ(again.error(), "");
    EXPECT_EQ(again.fds.size(), 1U);
    EXPECT_EQ(after.call("Detach", {{"name", "num"}, {"serial", 2}}).error(), "");
    EXPECT_EQ(broker.describe("num").attachments.size(), 1U) << "it was attached once";
    kill_and_start();
    RawPeer later(service.socket_path());
    later.call("Hello", {{"resumeToken", hello["token"]}});
    EXPECT_EQ(later.call("Detach", {{"name", "num"}, {"serial", 2}}).error(), "");
    EXPECT_EQ(later.call("Detach", {{"name", "num"}, {"serial", 3}}).error(),
              "io.memshare.Broker.NoSuchSegment");
}

TEST(AServiceWithALimitOfSessions, LetsAllOfThemComeBackAndNobodyElse) {
    ServiceManager service({"--sessions-per-user", "3"});
    std::vector<RawPeer> peers;
    std::vector<Json> tokens;
    for (int number = 0; number < 3; ++number) {
        peers.emplace_back(service.socket_path());
        tokens.push_back(peers.back().call("Hello")["token"]);
        peers.back().call("Create", array_of_i32("of " + std::to_string(number)));
    }
    service.kill();
    service.start();
    const std::string too_many = "io.memshare.Broker.QuotaExceeded";
    EXPECT_EQ(RawPeer(service.socket_path()).call("Hello").error(), too_many);
    EXPECT_EQ(RawPeer(service.socket_path()).call("List").error(), too_many);
    std::vector<RawPeer> again;
    for (const Json& token : tokens) {
        again.emplace_back(service.socket_path());
        EXPECT_EQ(again.back().call("Hello", {{"resumeToken", token}}).error(), "");
    }
    EXPECT_EQ(again.front().call("List")["segments"].size(), 3U);
    EXPECT_EQ(RawPeer(service.socket_path()).call("Hello", {{"resumeToken", tokens[0]}}).error(), too_many);
}

TEST_F(AServiceThatIsKilled, EndsASessionThatDoesNotComeBackAndHasNothing) {
    {
        RawPeer peer(service.socket_path());
        peer.call("Hello");
        service.kill();
    }
    service.start();
    const auto value = Value<int>::create("num", 0, {.broker = &broker});
    EXPECT_EQ(used("sessions"), 2U);
    EXPECT_TRUE(eventually([&] { return used("sessions") == 1; }));
}

TEST_F(AServiceThatIsKilled, IsTheSameAsOneThatIsStopped) {
    const auto value = Value<int>::create("num", 7, {.broker = &broker});
    EXPECT_EQ(service.stop(SIGTERM), 0);
    service.start();
    EXPECT_EQ(Value<int>::open("num", {.broker = &broker}).load(), 7);
}

TEST_F(AServiceThatIsKilled, SaysNothingOfIt) {
    const auto value = Value<int>::create("num", 7, {.broker = &broker});
    kill_and_start();
    EXPECT_TRUE(value.alive());
    EXPECT_EQ(service.log(), "");
}

TEST_F(AServiceThatIsKilled, KeepsNoMemoryThatNobodyHasAnyMore) {
    const auto is_kept = [&](const std::string& id) {
        return service.files_in_the_vault().contains("/memfd:memshare:" + id + " (deleted)");
    };
    const auto other = Value<int>::create("other", 0, {.broker = &broker});
    std::string id;
    {
        const auto large =
            Array<char>::create("large", 10'000'000, {.lifetime = Lifetime::attached, .broker = &broker});
        id = broker.describe("large").segment.id;
        kill_and_start();
        EXPECT_TRUE(is_kept(id));
    }
    EXPECT_TRUE(eventually([&] { return !is_kept(id); })) << "though nobody calls the broker";
    EXPECT_TRUE(is_kept(broker.describe("other").segment.id));
}

TEST_F(AServiceThatIsKilled, HasFewDescriptorsKeptForManySegments) {
    std::vector<Value<int>> all;
    for (int number = 0; number < 3000; ++number) {
        all.push_back(Value<int>::create(unnamed, number, {.broker = &broker}));
    }
    EXPECT_LE(service.kept(), 8U);
    const auto start = Clock::now();
    kill_and_start();
    std::cout << "    3000 segments: killed and ready again in "
              << std::chrono::duration_cast<milliseconds>(Clock::now() - start).count() << " ms\n";
    EXPECT_EQ(broker.list().size(), 3000U);
    EXPECT_TRUE(std::ranges::all_of(all, [](const auto& one) { return one.alive(); }));
    EXPECT_LE(service.kept(), 8U);
}

// The second word of a ledger's head is its format.
void set_format(const ServiceManager& service, std::uint32_t format) {
    constexpr off_t place = sizeof(std::uint64_t);
    EXPECT_EQ(pwrite(service.kept("memshare-ledger"), &format, sizeof(format), place),
              static_cast<ssize_t>(sizeof(format)));
}

TEST(AServiceThatFindsALedgerOfAnotherFormat, BeginsAnotherAndLeavesThatToADaemonThatCanReadIt) {
    ServiceManager service;
    {
        Broker broker(service.socket_path());
        Value<int>::create("first", 7, {.lifetime = Lifetime::persistent, .broker = &broker});
        service.kill();
        set_format(service, 4'000'000'000);
        service.start();
    }
    {
        Broker broker(service.socket_path());
        EXPECT_TRUE(broker.list().empty());
        EXPECT_TRUE(service.log().contains("memshare-ledger stays for the daemon that can read it"))
            << service.log();
        Value<int>::create("second", 8, {.lifetime = Lifetime::persistent, .broker = &broker});
        service.kill();
        service.start();
    }
    {
        Broker broker(service.socket_path());
        EXPECT_EQ(Value<int>::open("second", {.broker = &broker}).load(), 8);
        service.kill();
        set_format(service, 1);
        service.start();
    }
    Broker broker(service.socket_path());
    EXPECT_EQ(Value<int>::open("first", {.broker = &broker}).load(), 7);
    EXPECT_FALSE(lists(broker, "second"));
}

} // namespace
} // namespace memshare::test
