// Who may open what: mode, owner and group, between processes of several users.
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

namespace memshare::test {
namespace {

using AMode = WithBroker;

// Whether a user can open "num", made by `nobody` with this mode, for reading and for writing.
struct Rights {
    bool read = false, write = false;
    friend bool operator==(const Rights&, const Rights&) = default;
};

Rights rights_of(User user, const BrokerProcess& daemon) {
    ChildProcess asks = ChildProcess::as_user(user, [&](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto may = [&](Access access) {
            try {
                Segment::open("num", access, {}, {.broker = &own});
                return "1";
            } catch (const Error& error) {
                EXPECT_TRUE(error.code() == Errc::access_denied || error.code() == Errc::no_such_segment);
                return "0";
            }
        };
        parent.say(may(Access::read));
        parent.say(may(Access::write));
    });
    const Rights rights{.read = asks.hear() == "1", .write = asks.hear() == "1"};
    EXPECT_EQ(asks.wait(), 0);
    return rights;
}

ChildProcess owner_of_num(const BrokerProcess& daemon, std::uint32_t mode) {
    ChildProcess owner = ChildProcess::as_user(nobody, [&daemon, mode](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto made = Value<int>::create("num", 1, {.mode = mode, .broker = &own});
        parent.say("made");
        parent.hear();
    });
    owner.hear();
    return owner;
}

TEST_F(AMode, Of0600IsTheOwnersAlone) {
    NEEDS_ROOT();
    const auto owner = owner_of_num(daemon, 0600);
    EXPECT_EQ(rights_of(nobody, daemon), (Rights{true, true}));
    EXPECT_EQ(rights_of(colleague, daemon), (Rights{false, false}));
    EXPECT_EQ(rights_of(stranger, daemon), (Rights{false, false}));
}

TEST_F(AMode, Of0640LetsTheGroupRead) {
    NEEDS_ROOT();
    const auto owner = owner_of_num(daemon, 0640);
    EXPECT_EQ(rights_of(colleague, daemon), (Rights{true, false}));
    EXPECT_EQ(rights_of(stranger, daemon), (Rights{false, false}));
}

TEST_F(AMode, Of0666LetsEverybodyWrite) {
    NEEDS_ROOT();
    const auto owner = owner_of_num(daemon, 0666);
    EXPECT_EQ(rights_of(stranger, daemon), (Rights{true, true}));
}

TEST_F(AMode, Of0006ShutsTheGroupOutAllTheSame) {
    NEEDS_ROOT();
    const auto owner = owner_of_num(daemon, 0606);
    EXPECT_EQ(rights_of(colleague, daemon), (Rights{false, false}));
    EXPECT_EQ(rights_of(stranger, daemon), (Rights{true, true}));
}

TEST_F(AMode, IsAppliedWithoutTheUmask) {
    const auto made = Value<int>::create("num", 1, {.mode = 0666, .broker = &broker});
    EXPECT_EQ(broker.describe("num").segment.mode, 0666U);
}

TEST_F(AMode, WithMoreThanPermissionBitsIsRefused) {
    EXPECT_EQ(error_of([&] { Value<int>::create("num", 1, {.mode = 04600, .broker = &broker}); }).code(),
              Errc::invalid_argument);
}

TEST_F(AMode, CanMeanAnotherGroupOfTheCreators) {
    NEEDS_ROOT();
    const auto made = Value<int>::create("num", 1, {.mode = 0640, .group = stranger.gid, .broker = &broker});
    EXPECT_EQ(made.info().gid, stranger.gid);
    EXPECT_EQ(rights_of(stranger, daemon), (Rights{true, false}));
    EXPECT_EQ(rights_of(colleague, daemon), (Rights{false, false}));
}

TEST_F(AMode, CannotMeanAGroupThatTheCreatorIsNotIn) {
    NEEDS_ROOT();
    ChildProcess other = ChildProcess::as_user(nobody, [&](Lines&) {
        Broker own(daemon.socket_path());
        const Error error = error_of(
            [&] { Value<int>::create("num", 1, {.mode = 0640, .group = stranger.gid, .broker = &own}); });
        EXPECT_EQ(error.code(), Errc::invalid_argument);
    });
    EXPECT_EQ(other.wait(), 0);
}

TEST_F(AMode, HidesASegmentFromThoseWhoMayNotReadIt) {
    NEEDS_ROOT();
    const auto hidden = Value<int>::create("hidden", 1, {.mode = 0600, .broker = &broker});
    const auto shown = Value<int>::create("shown", 1, {.mode = 0644, .broker = &broker});
    ChildProcess other = ChildProcess::as_user(nobody, [&](Lines&) {
        Broker own(daemon.socket_path());
        EXPECT_EQ(own.list().size(), 1U);
        EXPECT_EQ(error_of([&] { own.describe("hidden"); }).code(), Errc::no_such_segment);
    });
    EXPECT_EQ(other.wait(), 0);
}

TEST_F(AMode, TellsNobodyThatThereIsASegmentThatHeMayNotRead) {
    NEEDS_ROOT();
    const auto hidden = Value<int>::create("hidden", 1, {.mode = 0600, .broker = &broker});
    ChildProcess other = ChildProcess::as_user(nobody, [&](Lines&) {
        RawPeer peer(daemon.socket_path());
        for (const Json& segment : {Json{{"name", "hidden"}}, Json{{"id", hidden.info().id}}}) {
            for (const std::string method : {"Attach", "Describe", "Destroy", "Change", "Freeze", "Detach"}) {
                Json call = segment;
                if (method == "Attach") {
                    call["access"] = "read";
                }
                EXPECT_EQ(peer.call(method, call).error(), "io.memshare.Broker.NoSuchSegment") << method;
            }
        }
        EXPECT_EQ(peer.call("Publish", {{"id", hidden.info().id}, {"name", "seen"}}).error(),
                  "io.memshare.Broker.NoSuchSegment");
    });
    EXPECT_EQ(other.wait(), 0);
}

TEST_F(AMode, SaysAccessDeniedToAReaderWhoMayNotDoMore) {
    NEEDS_ROOT();
    const auto shown = Value<int>::create("shown", 1, {.mode = 0644, .broker = &broker});
    ChildProcess other = ChildProcess::as_user(nobody, [&](Lines&) {
        RawPeer peer(daemon.socket_path());
        EXPECT_EQ(peer.call("Attach", {{"name", "shown"}, {"access", "write"}}).error(),
                  "io.memshare.Broker.AccessDenied");
        EXPECT_EQ(peer.call("Destroy", {{"name", "shown"}}).error(), "io.memshare.Broker.AccessDenied");
    });
    EXPECT_EQ(other.wait(), 0);
}

TEST_F(AMode, CanBeChangedByTheOwner) {
    NEEDS_ROOT();
    const auto owner = owner_of_num(daemon, 0600);
    broker.change("num", {.mode = 0640});
    EXPECT_EQ(rights_of(colleague, daemon), (Rights{true, false}));
    broker.change("num", {.mode = 0060, .group = stranger.gid});
    EXPECT_EQ(rights_of(colleague, daemon), (Rights{false, false}));
    EXPECT_EQ(rights_of(stranger, daemon), (Rights{true, true}));
}

TEST_F(AMode, ThatIsTakenBackTakesNoMapping) {
    NEEDS_ROOT();
    auto made = Value<int>::create("num", 1, {.mode = 0644, .broker = &broker});
    ChildProcess other = ChildProcess::as_user(nobody, [&](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto mine = Value<const int>::open("num", {.broker = &own});
        parent.say("opened");
        parent.hear();
        EXPECT_EQ(mine.load(), 2);
        EXPECT_TRUE(mine.alive());
        EXPECT_EQ(error_of([&] { Value<const int>::open("num", {.broker = &own}); }).code(),
                  Errc::access_denied);
    });
    other.hear();
    broker.change("num", {.mode = 0600});
    made.store(2);
    other.say("changed");
    EXPECT_EQ(other.wait(), 0);
}

TEST_F(AMode, CannotBeChangedToMoreThanPermissionBits) {
    const auto made = Value<int>::create("num", 1, {.broker = &broker});
    EXPECT_EQ(error_of([&] { broker.change("num", {.mode = 04644}); }).code(), Errc::invalid_argument);
    EXPECT_EQ(broker.describe("num").segment.mode, 0600U);
}

TEST_F(AMode, CannotBeGivenToAGroupThatTheOwnerIsNotIn) {
    NEEDS_ROOT();
    ChildProcess other = ChildProcess::as_user(nobody, [&](Lines&) {
        Broker own(daemon.socket_path());
        const auto made = Value<int>::create("num", 1, {.broker = &own});
        EXPECT_EQ(error_of([&] { own.change("num", {.group = stranger.gid}); }).code(),
                  Errc::invalid_argument);
    });
    EXPECT_EQ(other.wait(), 0);
}

TEST_F(AMode, LetsNobodyButTheOwnerDestroy) {
    NEEDS_ROOT();
    const auto made = Value<int>::create("num", 1, {.mode = 0666, .broker = &broker});
    ChildProcess other = ChildProcess::as_user(nobody, [&](Lines&) {
        Broker own(daemon.socket_path());
        EXPECT_EQ(error_of([&] { own.destroy("num"); }).code(), Errc::access_denied);
    });
    EXPECT_EQ(other.wait(), 0);
    EXPECT_TRUE(lists(broker, "num"));
}

} // namespace
} // namespace memshare::test
