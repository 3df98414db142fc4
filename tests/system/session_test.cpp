// Sessions: their farewell, their resumption, and calls that are made twice.
#include "proto/limits.h"
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <sys/stat.h>

namespace memshare::test {
namespace {

using ASession = WithBroker;

constexpr const char* not_resumable = "io.memshare.Broker.NotResumable";

TEST_F(ASession, ThatSaysGoodbyeIsAnsweredAndEnds) {
    RawPeer peer(daemon.socket_path());
    peer.call("Create", array_of_i32("mine"));
    EXPECT_EQ(peer.call("Goodbye").json, Json({{"parameters", Json::object()}}));
    EXPECT_TRUE(peer.is_ended());
    EXPECT_TRUE(broker.list().empty());
}

TEST_F(ASession, IsTakenOverByAnotherConnectionOfItsProcess) {
    RawPeer first(daemon.socket_path());
    const auto hello = first.call("Hello");
    first.call("Create", array_of_i32("mine"));
    RawPeer second(daemon.socket_path());
    const auto again = second.call("Hello", {{"resumeToken", hello["token"]}});
    EXPECT_EQ(again["holder"], hello["holder"]);
    EXPECT_TRUE(first.is_ended());
    EXPECT_EQ(second.call("Detach", {{"name", "mine"}}).error(), "");
    second.call("Goodbye");
    EXPECT_TRUE(broker.list().empty());
}

TEST_F(ASession, IsTakenOverAfterItsConnectionIsLost) {
    std::optional<RawPeer> first(daemon.socket_path());
    const auto hello = first->call("Hello");
    first->call("Create", array_of_i32("mine"));
    first.reset();
    RawPeer second(daemon.socket_path());
    EXPECT_EQ(second.call("Hello", {{"resumeToken", hello["token"]}})["holder"], hello["holder"]);
    EXPECT_TRUE(lists(broker, "mine"));
}

TEST_F(ASession, ResumedByItselfGoesOn) {
    RawPeer peer(daemon.socket_path());
    const auto hello = peer.call("Hello");
    EXPECT_EQ(peer.call("Hello", {{"resumeToken", hello["token"]}})["holder"], hello["holder"]);
    EXPECT_EQ(peer.call("List").error(), "");
}

TEST_F(ASession, OfAnotherProcessIsNotResumable) {
    RawPeer first(daemon.socket_path());
    const auto hello = first.call("Hello");
    first.call("Create", array_of_i32("mine"));
    ChildProcess thief([&](Lines&) {
        RawPeer peer(daemon.socket_path());
        EXPECT_EQ(peer.call("Hello", {{"resumeToken", hello["token"]}}).error(), not_resumable);
        EXPECT_EQ(peer.call("List").error(), "");
    });
    EXPECT_EQ(thief.wait(), 0);
    EXPECT_EQ(first.call("Detach", {{"name", "mine"}}).error(), "");
}

TEST_F(ASession, ThatNeverWasIsNotResumable) {
    RawPeer peer(daemon.socket_path());
    EXPECT_EQ(peer.call("Hello", {{"resumeToken", "none"}}).error(), not_resumable);
}

TEST_F(ASession, ThatCreatesTwiceWithOneIdGetsTheSameSegment) {
    RawPeer peer(daemon.socket_path());
    Json call = array_of_i32("mine");
    call["id"] = "01234567-89ab-4def-8123-456789abcdef";
    const auto first = peer.call("Create", call);
    const auto second = peer.call("Create", call);
    EXPECT_EQ(second["segment"], first["segment"]);
    struct stat one{}, other{};
    fstat(first.fds.at(0).number(), &one);
    fstat(second.fds.at(0).number(), &other);
    EXPECT_EQ(one.st_ino, other.st_ino);
    EXPECT_EQ(broker.list().size(), 1U);
}

TEST_F(ASession, DoesNotGetTheSegmentOfAnothersId) {
    RawPeer first(daemon.socket_path());
    Json call = array_of_i32("mine");
    call["id"] = "01234567-89ab-4def-8123-456789abcdef";
    first.call("Create", call);
    RawPeer second(daemon.socket_path());
    call["name"] = "theirs";
    EXPECT_EQ(second.call("Create", call).error(), "io.memshare.Broker.NameTaken");
}

TEST_F(ASession, NamesItsProgram) {
    RawPeer peer(daemon.socket_path());
    peer.call("Hello", {{"program", "the camera\n"}});
    peer.call("Create", array_of_i32("mine"));
    const std::string program = broker.list("mine").at(0).creator_program;
    EXPECT_TRUE(program.starts_with("the camera")) << program;
    EXPECT_EQ(program.find('\n'), std::string::npos);
}

TEST_F(ASession, ThatHoldsNothingEndsWithItsConnection) {
    broker.version();
    const std::size_t before = daemon.open_fds();
    {
        RawPeer(daemon.socket_path()).call("Hello");
    }
    EXPECT_TRUE(eventually([&] { return daemon.open_fds() == before; }));
}

TEST_F(ASession, IsNotAnsweredForOnewayCalls) {
    RawPeer peer(daemon.socket_path());
    peer.send_call("Create", array_of_i32("mine"), {{"oneway", true}});
    peer.send_call("Destroy", {{"name", "none"}}, {{"oneway", true}});
    EXPECT_EQ(peer.call("Describe", {{"name", "mine"}})["segment"]["name"], "mine");
}

TEST_F(ASession, IsCalledByTheFirstBytesOfALongName) {
    RawPeer peer(daemon.socket_path());
    peer.call("Hello", {{"program", std::string(2 * proto::limits::program_bytes, 'x')}});
    peer.call("Create", array_of_i32("num"));
    EXPECT_EQ(peer.call("Describe", {{"name", "num"}})["segment"]["creator"]["program"],
              std::string(proto::limits::program_bytes, 'x'));
    peer.call("Goodbye");
}

} // namespace
} // namespace memshare::test
