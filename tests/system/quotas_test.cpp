// What one user may have, and all together: each limit is reached, said, and given back.
#include "proto/base64.h"
#include "proto/limits.h"
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <poll.h>
#include <unistd.h>

#include <map>

namespace memshare::test {
namespace {

namespace limits = proto::limits;

// Takes one more of a resource; peers are what it is held by.
using Take = std::function<std::string(const std::string& socket_path, std::vector<RawPeer>& peers)>;

// By one peer, which calls once more.
Take by_call(const std::string& method, std::function<Json(int)> parameters) {
    return [=](const std::string& socket_path, std::vector<RawPeer>& peers) {
        if (peers.empty()) {
            peers.emplace_back(socket_path);
        }
        static int number = 0;
        return peers.front().call(method, parameters(++number)).json.dump();
    };
}

// By a peer of its own for each.
Take by_peer(const std::string& method, const Json& parameters, const Json& flags = Json::object()) {
    return [=](const std::string& socket_path, std::vector<RawPeer>& peers) {
        RawPeer& peer = peers.emplace_back(socket_path);
        peer.send_call(method, parameters, flags);
        return peer.receive().value().json.dump();
    };
}

Json named_or_not(int number, bool named) {
    Json parameters = array_of_i32(std::to_string(getuid()) + '.' + std::to_string(number));
    if (!named) {
        parameters.erase("name");
    }
    return parameters;
}

struct Limited {
    std::string option;   // how the limit is called on the command line
    std::string resource; // and in the interface
    int allowed;          // how many times it can be taken
    std::uint64_t limit;  // what that is in its unit
    Take take;

    friend void PrintTo(const Limited& limited, std::ostream* out) { *out << limited.option; }
};

constexpr std::uint64_t bytes_of_one = 4096; // a page

std::vector<Limited> all_limited() {
    const auto segment = by_call("Create", [](int number) { return named_or_not(number, true); });
    const auto unnamed_segment = by_call("Create", [](int number) { return named_or_not(number, false); });
    return {{"sessions", "sessions", 3, 3, by_peer("Hello", Json::object())},
            {"segments", "segments", 3, 3, unnamed_segment},
            {"bytes", "bytes", 3, 3 * bytes_of_one, unnamed_segment},
            {"attachments", "attachments", 3, 3, unnamed_segment},
            {"names", "names", 3, 3, segment},
            {"streams", "streams", 3, 3, by_peer("Watch", Json::object(), {{"more", true}})}};
}

class EachLimit : public testing::TestWithParam<Limited> {
  protected:
    // Takes all that is allowed and one more; what was said then.
    Json exhaust(const BrokerProcess& daemon, std::vector<RawPeer>& peers) {
        const Limited& limited = GetParam();
        for (int times = 0; times < limited.allowed; ++times) {
            const Json answer = Json::parse(limited.take(daemon.socket_path(), peers));
            EXPECT_FALSE(answer.contains("error")) << answer;
        }
        const Json refusal = Json::parse(limited.take(daemon.socket_path(), peers));
        EXPECT_EQ(refusal.value("error", ""), "io.memshare.Broker.QuotaExceeded") << refusal;
        return refusal.value("parameters", Json::object());
    }

    // What Statistics says of the resource: "3 of 3".
    static std::string use_of(const std::string& resource, const std::vector<Usage>& all) {
        for (const Usage& usage : all) {
            if (usage.resource == resource) {
                return std::to_string(usage.used) + " of " + std::to_string(usage.limit);
            }
        }
        return "nothing is said of " + resource;
    }
};

TEST_P(EachLimit, OfOneUserIsReachedSaidAndGivenBack) {
    NEEDS_ROOT();
    const Limited& limited = GetParam();
    const BrokerProcess daemon({"--" + limited.option + "-per-user", std::to_string(limited.limit)});
    const std::string full = std::to_string(limited.limit);
    ChildProcess user = ChildProcess::as_user(nobody, [&](Lines& parent) {
        for (int round = 0; round < 2; ++round) {
            std::vector<RawPeer> peers;
            const Json said = exhaust(daemon, peers);
            EXPECT_EQ(said["limit"], limited.resource);
            EXPECT_EQ(said["allowed"], limited.limit);
            EXPECT_EQ(said["used"], limited.limit);
            EXPECT_EQ(said["requested"], limited.limit / static_cast<std::uint64_t>(limited.allowed));
            parent.say("full");
            parent.hear();
            for (RawPeer& peer : peers) {
                peer.send_call("Goodbye");
                peer.close();
            }
            parent.say("empty");
            parent.hear();
        }
    });
    Broker broker(daemon.socket_path()); // root's, to whom the limit is another
    const auto use_of_nobody = [&] {
        for (const UserUsage& one : broker.statistics().users) {
            if (one.uid == nobody.uid) {
                return use_of(limited.resource, one.usage);
            }
        }
        return "0 of " + full;
    };
    for (int round = 0; round < 2; ++round) {
        ASSERT_EQ(user.hear(), "full");
        EXPECT_EQ(use_of_nobody(), full + " of " + full);
        user.say("give it back");
        ASSERT_EQ(user.hear(), "empty");
        EXPECT_TRUE(eventually([&] { return use_of_nobody() == "0 of " + full; })) << use_of_nobody();
        user.say("go on");
    }
    EXPECT_EQ(user.wait(), 0);
}

TEST_P(EachLimit, OfAllTogetherIsReachedAndSaid) {
    NEEDS_ROOT();
    const Limited& limited = GetParam();
    const BrokerProcess daemon({"--total-" + limited.option, std::to_string(limited.limit)});
    ChildProcess user = ChildProcess::as_user(nobody, [&](Lines& parent) {
        std::vector<RawPeer> peers;
        std::string in_all = "total" + limited.resource;
        in_all[5] = static_cast<char>(std::toupper(in_all[5]));
        EXPECT_EQ(exhaust(daemon, peers)["limit"], in_all);
        parent.say("full");
        parent.hear();
    });
    ASSERT_EQ(user.hear(), "full");
    std::vector<RawPeer> peers; // root gets no more either
    const Json refusal = Json::parse(limited.take(daemon.socket_path(), peers));
    EXPECT_EQ(refusal.value("error", ""), "io.memshare.Broker.QuotaExceeded") << refusal;
    user.say("that is all");
    EXPECT_EQ(user.wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(Of, EachLimit, testing::ValuesIn(all_limited()),
                         [](const auto& one) { return one.param.option; });

class LittleRoomForUnreadReplies : public WithBroker {
  public:
    LittleRoomForUnreadReplies() : WithBroker({"--unread-bytes-per-user", "150K"}) {}

  protected:
    // Of this process's user.
    std::uint64_t unread_bytes() const {
        const Statistics seen = Broker(daemon.socket_path()).statistics();
        for (const Usage& usage : seen.users.front().usage) {
            if (usage.resource == "unreadBytes") {
                return usage.used;
            }
        }
        throw std::runtime_error("nothing is said of unreadBytes");
    }
};

TEST_F(LittleRoomForUnreadReplies, IsForOneOfThemAndAnotherIsCutOff) {
    NEEDS_ROOT();
    std::vector<Value<int>> many;
    for (int number = 0; number < 250; ++number) { // a list of them is larger than a socket takes
        many.push_back(Value<int>::create(unnamed, number, {.mode = 0644, .broker = &broker}));
    }
    ChildProcess user = ChildProcess::as_user(nobody, [&](Lines&) {
        RawPeer slow(daemon.socket_path());
        slow.send_call("List");
        EXPECT_TRUE(eventually([&] { return unread_bytes() > 0; }));
        RawPeer second(daemon.socket_path());
        second.send_call("List");
        pollfd hung_up{.fd = second.socket(), .events = 0, .revents = 0};
        EXPECT_EQ(poll(&hung_up, 1, static_cast<int>(milliseconds(long_enough).count())), 1);
        EXPECT_EQ(slow.receive().value()["segments"].size(), many.size());
        EXPECT_TRUE(eventually([&] { return unread_bytes() == 0; }));
        RawPeer third(daemon.socket_path());
        EXPECT_EQ(third.call("List")["segments"].size(), many.size());
    });
    EXPECT_EQ(user.wait(), 0);
}

std::map<std::string, std::uint64_t> limits_in(const std::vector<Usage>& all) {
    std::map<std::string, std::uint64_t> found;
    for (const Usage& usage : all) {
        if (usage.resource != "descriptors") {
            found[usage.resource] = usage.limit;
        }
    }
    return found;
}

using ABroker = WithBroker;

TEST_F(ABroker, HasTheLimitsThatAreWrittenDownUnlessItIsToldOthers) {
    const Statistics statistics = broker.statistics();
    const std::map<std::string, std::uint64_t> of_a_user{
        {"sessions", limits::sessions_per_user},
        {"segments", limits::segments_per_user},
        {"bytes", limits::bytes_per_user},
        {"attachments", limits::attachments_per_user},
        {"names", limits::names_per_user},
        {"streams", limits::streams_per_user},
        {"unreadBytes", limits::unread_bytes_per_user},
        {"callBytes", limits::call_bytes_per_user},
        {"descriptionBytes", limits::description_bytes_per_user},
        {"initialBytes", limits::initial_bytes_per_user},
        {"keptSegments", limits::kept_segments_per_user},
        {"keptBytes", limits::kept_bytes_per_user}};
    const std::map<std::string, std::uint64_t> total{{"sessions", limits::sessions_total},
                                                     {"segments", limits::segments_total},
                                                     {"bytes", limits::bytes_total},
                                                     {"attachments", limits::attachments_total},
                                                     {"names", limits::names_total},
                                                     {"streams", limits::streams_total},
                                                     {"unreadBytes", limits::unread_bytes_total},
                                                     {"callBytes", limits::call_bytes_total},
                                                     {"descriptionBytes", limits::description_bytes_total}};
    EXPECT_EQ(limits_in(statistics.users.front().usage), of_a_user);
    auto told = limits_in(statistics.total);
    EXPECT_LE(told["initialBytes"], limits::initial_bytes_total); // less, where the machine has little memory
    told.erase("initialBytes");
    EXPECT_EQ(told, total);
}

TEST_F(ABroker, TellsOthersOnlyOfTheirOwnUse) {
    NEEDS_ROOT();
    const auto roots = Value<int>::create("roots", 1, {.broker = &broker});
    ChildProcess user = ChildProcess::as_user(nobody, [&](Lines&) {
        const Statistics seen = Broker(daemon.socket_path()).statistics();
        ASSERT_EQ(seen.users.size(), 1U);
        EXPECT_EQ(seen.users.front().uid, nobody.uid);
        EXPECT_EQ(seen.users.front().usage.front().used, 1U) << seen.users.front().usage.front().resource;
    });
    EXPECT_EQ(user.wait(), 0);
}

TEST_F(ABroker, CountsWhatItDoes) {
    const Counters before = broker.statistics().counters;
    const auto made = Value<int>::create("num", 1, {.broker = &broker});
    const auto opened = Value<int>::open("num", {.broker = &broker});
    EXPECT_EQ(error_of([&] { Value<int>::open("none", {.broker = &broker}); }).code(), Errc::no_such_segment);
    const Counters after = broker.statistics().counters;
    EXPECT_EQ(after.calls, before.calls + 4);
    EXPECT_EQ(after.refusals, before.refusals + 1);
    EXPECT_EQ(after.sessions, before.sessions);
    EXPECT_EQ(after.segments, before.segments + 1);
    EXPECT_EQ(after.attachments, before.attachments + 1);
    EXPECT_EQ(after.recoveries, before.recoveries);
    EXPECT_EQ(after.events_lost, before.events_lost);
}

TEST_F(ABroker, TakesSoMuchInitialContentAndNotOneByteMore) {
    RawPeer peer(daemon.socket_path());
    const auto create = [&](std::size_t bytes) {
        Json call = array_of_i32("of " + std::to_string(bytes), bytes);
        call["initial"] = proto::to_base64(std::vector<std::byte>(bytes));
        return peer.call("Create", call).json.dump();
    };
    EXPECT_FALSE(create(limits::initial_bytes).contains("error"));
    EXPECT_TRUE(create(limits::initial_bytes + 1).contains("InvalidParameter"));
    peer.call("Goodbye");
}

TEST_F(ABroker, CountsItsDescriptorsAsTheyAre) {
    NEEDS_ROOT();
    const auto used = [&] { return broker.statistics().total.back().used; };
    ASSERT_EQ(broker.statistics().total.back().resource, "descriptors");
    const std::uint64_t before = used();
    const std::size_t open_before = daemon.open_fds();
    RawPeer peer(daemon.socket_path());
    peer.call("Create", array_of_i32("num"));
    EXPECT_EQ(used(), before + limits::descriptors_per_session + limits::descriptors_per_segment);
    EXPECT_EQ(daemon.open_fds() - open_before, used() - before);
    peer.call("Attach", {{"name", "num"}, {"access", "read"}});
    peer.call("Attach", {{"name", "num"}, {"access", "read"}});
    EXPECT_EQ(used(), before + limits::descriptors_per_session + limits::descriptors_per_segment +
                          limits::descriptors_for_reading);
    EXPECT_EQ(daemon.open_fds() - open_before, used() - before);
    peer.call("Goodbye");
}

} // namespace
} // namespace memshare::test
