// A call that is made again, as its reply was lost, is the same call: what differs from it is refused, and it
// gives no more rights than a new one.
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"
#include <memshare/abi/layout.hpp>

#include <fcntl.h>
#include <sys/mman.h>

namespace memshare::test {
namespace {

constexpr const char* wrong = "org.varlink.service.InvalidParameter";

class ARepeatedCall : public WithBroker {
  protected:
    ARepeatedCall() {
        Json create = array_of_i32("num", 5);
        create["mode"] = 0644;
        memory = std::move(owner.call("Create", create).fds.at(0));
        create = array_of_i32("other", 5);
        create["mode"] = 0644;
        owner.call("Create", create);
    }

    static Json attach(std::uint64_t serial, const Json& with = Json::object()) {
        Json call{{"name", "num"}, {"access", "read"}, {"serial", serial}};
        call.merge_patch(with);
        return call;
    }

    Json attachments() { return owner.call("Describe", {{"name", "num"}})["attachments"]; }

    std::uint32_t watchers() {
        std::uint32_t count = 0;
        pread(memory.number(), &count, sizeof(count),
              offsetof(abi::Header, change) + offsetof(abi::ChangeLine, watchers));
        return count;
    }

    RawPeer owner{daemon.socket_path()};
    RawPeer peer{daemon.socket_path()};
    proto::Fd memory;
};

TEST_F(ARepeatedCall, GivesTheSameSegmentAndCountsOnce) {
    const auto first = peer.call("Attach", attach(1));
    const auto again = peer.call("Attach", attach(1));
    EXPECT_EQ(again["segment"]["id"], first["segment"]["id"]);
    EXPECT_EQ(again.fds.size(), 1U);
    EXPECT_EQ(peer.call("Detach", {{"name", "num"}}).error(), "");
    EXPECT_EQ(peer.call("Detach", {{"name", "num"}}).error(), "io.memshare.Broker.NoSuchSegment");
}

TEST_F(ARepeatedCall, ThatDiffersInAnyParameterIsRefused) {
    ASSERT_EQ(peer.call("Attach", attach(1)).error(), "");
    const std::vector<Json> differing{{{"access", "write"}},
                                      {{"name", "other"}},
                                      {{"form", "array"}},
                                      {{"count", 5}},
                                      {{"mapped", true}},
                                      {{"waits", true}},
                                      {{"element", {{"kind", "i32"}}}}};
    for (const Json& difference : differing) {
        const auto answer = peer.call("Attach", attach(1, difference));
        EXPECT_EQ(answer.error(), wrong) << difference;
        EXPECT_EQ(answer["parameter"], "serial");
        EXPECT_TRUE(answer.fds.empty());
    }
    EXPECT_EQ(peer.call("Detach", {{"name", "num"}, {"serial", 1}}).error(), wrong);
    EXPECT_EQ(attachments().size(), 2U);
}

TEST_F(ARepeatedCall, NeverMakesAWriterOfAReader) {
    NEEDS_ROOT();
    ChildProcess stranger = ChildProcess::as_user(nobody, [this](Lines&) {
        RawPeer own(daemon.socket_path());
        ASSERT_EQ(own.call("Attach", attach(1)).error(), "");
        const auto answer = own.call("Attach", attach(1, {{"access", "write"}}));
        EXPECT_EQ(answer.error(), wrong);
        EXPECT_TRUE(answer.fds.empty());
    });
    EXPECT_EQ(stranger.wait(), 0);
}

TEST_F(ARepeatedCall, WithTheNumberOfAnOlderOneIsRefused) {
    ASSERT_EQ(peer.call("Attach", attach(1)).error(), "");
    ASSERT_EQ(peer.call("Attach", attach(2, {{"name", "other"}})).error(), "");
    EXPECT_EQ(peer.call("Attach", attach(1)).error(), wrong);
    ASSERT_EQ(peer.call("Detach", {{"name", "other"}, {"serial", 3}}).error(), "");
    EXPECT_EQ(peer.call("Attach", attach(2, {{"name", "other"}})).error(), wrong);
}

TEST_F(ARepeatedCall, CannotHaveTheNumber0) {
    ASSERT_EQ(peer.call("Attach", {{"name", "other"}, {"access", "read"}}).error(), "");
    EXPECT_EQ(peer.call("Attach", attach(0)).error(), wrong);
    EXPECT_EQ(peer.call("Detach", {{"name", "other"}, {"serial", 0}}).error(), wrong);
    EXPECT_EQ(peer.call("Detach", {{"attached", 0}, {"serial", 1}}).error(), wrong);
    EXPECT_EQ(peer.call("Detach", {{"name", "other"}}).error(), "");
}

TEST_F(ARepeatedCall, IsCheckedAgainAndTakenBackIfItIsNotAllowedAnyMore) {
    NEEDS_ROOT();
    ChildProcess stranger = ChildProcess::as_user(nobody, [this](Lines& parent) {
        RawPeer own(daemon.socket_path());
        ASSERT_EQ(own.call("Attach", {{"name", "num"}, {"access", "read"}}).error(), "");
        ASSERT_EQ(own.call("Attach", attach(1)).error(), "");
        parent.say("attached");
        parent.hear();
        EXPECT_NE(own.call("Attach", attach(1)).error(), "");
        EXPECT_NE(own.call("Attach", attach(1)).error(), "");
        EXPECT_EQ(own.call("Detach", {{"name", "num"}}).error(), ""); // the other one was left alone
        parent.say("refused");
        parent.hear();
    });
    stranger.hear();
    EXPECT_EQ(attachments().size(), 2U);
    ASSERT_EQ(owner.call("Change", {{"name", "num"}, {"mode", 0600}}).error(), "");
    stranger.say("again");
    stranger.hear();
    EXPECT_EQ(attachments().size(), 1U);
    stranger.say("end");
    EXPECT_EQ(stranger.wait(), 0);
}

TEST_F(ARepeatedCall, OfAWaiterCountsItOnceAndItsEndTakesThatBack) {
    {
        RawPeer waiter(daemon.socket_path());
        for (int round = 0; round < 100; ++round) {
            ASSERT_EQ(waiter.call("Attach", attach(1, {{"waits", true}})).error(), "");
            EXPECT_EQ(watchers(), 1U);
        }
        for (int round = 0; round < 10; ++round) {
            ASSERT_EQ(waiter.call("Attach", {{"name", "num"}, {"access", "read"}, {"waits", true}}).error(),
                      "");
        }
        EXPECT_EQ(watchers(), 1U);
        ASSERT_EQ(waiter.call("Goodbye").error(), "");
    }
    EXPECT_TRUE(eventually([this] { return watchers() == 0; }));
}

TEST_F(ARepeatedCall, OfAWaiterCannotLeaveACountBehindWhateverAWriterStores) {
    void* header = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory.number(), 0);
    ASSERT_NE(header, MAP_FAILED);
    static_cast<abi::Header*>(header)->change.watchers = 1000;
    ASSERT_EQ(peer.call("Attach", attach(1, {{"waits", true}})).error(), "");
    EXPECT_EQ(watchers(), 1U);
    ASSERT_EQ(peer.call("Detach", {{"name", "num"}}).error(), "");
    EXPECT_TRUE(eventually([this] { return watchers() == 0; }));
    munmap(header, 4096);
}

TEST_F(ARepeatedCall, ToCreateHasToBeTheSameInEveryParameter) {
    Json create = array_of_i32("new", 7);
    create["id"] = "11111111-2222-4333-8444-555555555555";
    const auto first = peer.call("Create", create);
    ASSERT_EQ(first.error(), "");
    const auto again = peer.call("Create", create);
    EXPECT_EQ(again["segment"]["id"], create["id"]);
    EXPECT_EQ(again.fds.size(), 1U);
    const std::vector<Json> differing{
        {{"name", "newer"}}, {{"count", 8}}, {{"mode", 0666}}, {{"freezable", true}}};
    for (const Json& difference : differing) {
        Json other = create;
        other.merge_patch(difference);
        const auto answer = peer.call("Create", other);
        EXPECT_EQ(answer.error(), wrong) << difference;
        EXPECT_TRUE(answer.fds.empty());
    }
}

TEST_F(ARepeatedCall, ToCreateGivesNoDescriptorToACreatorThatHasLetGoOfIt) {
    Json create = array_of_i32("new", 7);
    create["id"] = "11111111-2222-4333-8444-555555555555";
    create["freezable"] = true;
    ASSERT_EQ(peer.call("Create", create).error(), "");
    ASSERT_EQ(peer.call("Attach", {{"name", "new"}, {"access", "read"}}).error(), "");
    ASSERT_EQ(peer.call("Detach", {{"name", "new"}, {"access", "write"}}).error(), "");
    const auto again = peer.call("Create", create);
    EXPECT_EQ(again.error(), "io.memshare.Broker.NameTaken");
    EXPECT_TRUE(again.fds.empty());
}

} // namespace
} // namespace memshare::test
