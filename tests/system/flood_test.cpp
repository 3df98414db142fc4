// Peers that come in numbers, or take as much as there is.
#include "proto/limits.h"
#include "tests/system/disturbed.h"

#include <poll.h>
#include <sys/resource.h>

namespace memshare::test {
namespace {

using AFlood = Disturbed;

TEST_F(AFlood, OfAThousandConnectionsOfOneUserIsBoundedAndOthersAreServed) {
    NEEDS_ROOT();
    ChildProcess flood = ChildProcess::as_user(nobody, [&](Lines& parent) {
        std::vector<RawPeer> peers;
        int served = 0;
        for (int number = 0; number < 1000; ++number) {
            const auto answer = peers.emplace_back(daemon.socket_path()).call("org.varlink.service.GetInfo");
            served += answer.error().empty() ? 1 : 0;
            if (!answer.error().empty()) {
                EXPECT_EQ(answer.error(), "io.memshare.Broker.QuotaExceeded");
                EXPECT_EQ(answer["limit"], "sessions");
                EXPECT_EQ(answer["allowed"], proto::limits::sessions_per_user);
            }
        }
        parent.say(std::to_string(served));
        parent.hear();
    });
    EXPECT_EQ(flood.hear(), std::to_string(proto::limits::sessions_per_user));
    EXPECT_TRUE(eventually([&] { return fds_for_others() == 2 * proto::limits::sessions_per_user; }));
    Broker fresh(daemon.socket_path());
    EXPECT_TRUE(fresh.list("none").empty());
    flood.say("that is all");
    EXPECT_EQ(flood.wait(), 0);
}

TEST_F(AFlood, OfConnectionsThatLeaveAtOnceDelaysNobody) {
    std::vector<ChildProcess> floods;
    for (int number = 0; number < 3; ++number) {
        floods.emplace_back([&](Lines&) {
            for (const auto until = Clock::now() + milliseconds(700); Clock::now() < until;) {
                const RawPeer peer(daemon.socket_path());
            }
        });
    }
    for (ChildProcess& flood : floods) {
        EXPECT_EQ(flood.wait(), 0);
    }
}

TEST_F(AFlood, OfProcessesThatDieAndLeaveTheirSocketsWithOthersIsNotKept) {
    std::vector<ChildProcess> dead;
    for (int number = 0; number < 40; ++number) {
        ChildProcess& one = dead.emplace_back([&](Lines& parent) {
            RawPeer peer(daemon.socket_path());
            peer.call("Create", array_of_i32("one"));
            fork_a_keeper(parent);
            parent.say("connected");
            parent.hear();
        });
        one.hear();
        one.strike();
        EXPECT_TRUE(eventually([&] { return !lists(broker, "one"); }));
    }
    EXPECT_TRUE(eventually([&] { return fds_for_others() == 0; }));
}

// A struct whose description is as long as can be.
Json long_description(const std::string& name) {
    Json fields = Json::array();
    for (int number = 0; number < 256; ++number) {
        std::string field = std::to_string(number);
        field.resize(63, 'x');
        fields.push_back({{"name", field}, {"kind", "u8"}, {"offset", number}, {"count", 1}});
    }
    return {{"name", name},
            {"form", "array"},
            {"element",
             {{"kind", "struct"}, {"size", 256}, {"alignment", 1}, {"name", "Long"}, {"fields", fields}}},
            {"count", 1}};
}

// One whose limit lets a user have this many long descriptions.
class AFloodOfDescriptions : public Disturbed {
  protected:
    AFloodOfDescriptions()
        : Disturbed({"--description-bytes-per-user", "1G", "--total-description-bytes", "2G"}) {}
};

TEST_F(AFloodOfDescriptions, DelaysNobodyWhenTheyAreListed) {
    RawPeer maker(daemon.socket_path());
    // Written once, and not answered: what takes long here is the JSON of this side.
    const std::string text = RawPeer::text_of("Create", long_description("long0000"), {{"oneway", true}});
    for (int number = 1000; number < 2500; ++number) {
        std::string one = text;
        one.replace(one.find("long0000"), 8, "long" + std::to_string(number));
        ASSERT_TRUE(maker.send(one));
    }
    ASSERT_EQ(maker.call("Describe", {{"name", "long2499"}}).error(), "");
    const std::size_t before = daemon.resident_bytes();
    std::vector<RawPeer> readers;
    for (int number = 0; number < 20; ++number) {
        readers.emplace_back(daemon.socket_path()).send_call("List");
    }
    for (RawPeer& reader : readers) {
        pollfd answered{.fd = reader.socket(), .events = POLLIN, .revents = 0};
        EXPECT_EQ(poll(&answered, 1, 20'000), 1);
    }
    EXPECT_LT((daemon.resident_bytes() - before) / 1'000'000, 128U) << "megabytes";
    maker.call("Goodbye");
}

// The daemon has as many descriptors as the limit of the process that starts it.
class DescriptorLimit {
  public:
    explicit DescriptorLimit(rlim_t descriptors) {
        getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit few{descriptors, descriptors};
        setrlimit(RLIMIT_NOFILE, &few);
    }
    void lift() const { setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

class FewDescriptors : private DescriptorLimit, public Disturbed {
  protected:
    FewDescriptors() : DescriptorLimit(few) { lift(); }
    static constexpr std::uint64_t few = 400;
};

TEST_F(FewDescriptors, AreSharedOutAfterTheBrokersOwn) {
    const Statistics seen = broker.statistics();
    constexpr std::uint64_t for_all = few - proto::limits::descriptors_kept;
    EXPECT_EQ(seen.total.back().limit, for_all);
    constexpr std::uint64_t for_segments =
        for_all - std::min(proto::limits::descriptors_for_sessions, for_all / proto::limits::share_of_others);
    EXPECT_EQ(seen.users.front().usage.back().limit,
              for_segments - for_segments / proto::limits::descriptors_share);
}

TEST_F(FewDescriptors, AreNotAllTakenByOneUsersSegments) {
    NEEDS_ROOT();
    ChildProcess greedy = ChildProcess::as_user(nobody, [&](Lines& parent) {
        RawPeer peer(daemon.socket_path());
        std::string error;
        for (int number = 0; number < 1000 && error.empty(); ++number) {
            error = peer.call("Create", array_of_i32("mine" + std::to_string(number))).error();
        }
        EXPECT_EQ(error, "io.memshare.Broker.QuotaExceeded");
        parent.say("full");
        parent.hear();
    });
    ASSERT_EQ(greedy.hear(), "full");
    Broker fresh(daemon.socket_path());
    EXPECT_EQ(Value<int>::create("new", 3, {.broker = &fresh}).load(), 3);
    greedy.say("that is all");
    EXPECT_EQ(greedy.wait(), 0);
    broker.destroy("new");
}

void abuse_in_all_ways(const std::string& socket_path) {
    std::vector<RawPeer> peers;
    for (int number = 0; number < 100; ++number) {
        RawPeer& peer = peers.emplace_back(socket_path);
        for (int call = 0; call < 10; ++call) {
            peer.send_call("Create", array_of_i32("mine" + std::to_string(100 * number + call), 1000));
        }
        peer.send(std::string(100'000, ' '));
        peer.send("no call" + std::string(1, '\0'));
    }
    for (RawPeer& peer : peers) {
        EXPECT_TRUE(peer.is_ended());
    }
}

TEST_F(AFlood, OfAllKindsLeavesNoMemoryBehind) {
    const auto flood = [&] {
        EXPECT_EQ(ChildProcess([&](Lines&) { abuse_in_all_ways(daemon.socket_path()); }).wait(), 0);
        EXPECT_TRUE(eventually([&] { return !lists(broker, "mine*"); }));
        return daemon.resident_bytes();
    };
    const std::size_t once = flood();
    for (int round = 0; round < 4; ++round) {
        flood();
    }
    EXPECT_LT(flood(), once + (sanitized ? 512 : 8) * 1024 * 1024);
}

} // namespace
} // namespace memshare::test
