// One user takes all that he can get, in all ways at once; another one loses nothing.
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <csignal>
#include <mutex>

namespace memshare::test {
namespace {

std::string times(int count, const std::string& call) {
    std::string all;
    for (; count > 0; --count) {
        all += call;
    }
    return all;
}

// Each of these is a round of what a flooder does for ever. He minds nothing that he is refused.
void take_segments(const std::string& socket_path) {
    constexpr int more_than_allowed = 100; // of 1 MiB each
    Json one = array_of_i32("", 1 << 18);
    one.erase("name");
    RawPeer peer(socket_path);
    peer.send(times(more_than_allowed, RawPeer::text_of("Create", one)));
    for (int call = 0; call < more_than_allowed && peer.receive(); ++call) {
    }
    peer.send_call("Goodbye");
    peer.is_ended();
}

void take_sessions(const std::string& socket_path) {
    std::vector<RawPeer> peers;
    for (int number = 0; number < 600; ++number) {
        peers.emplace_back(socket_path);
    }
    peers.back().is_ended();
}

void call_ahead(const std::string& socket_path) {
    constexpr int calls = 200;
    RawPeer peer(socket_path);
    peer.send(times(calls, RawPeer::text_of("GetInfo")));
    for (int call = 0; call < calls && peer.receive(); ++call) {
    }
}

void leave_answers_unread(const std::string& socket_path) {
    const std::string calls = times(20, RawPeer::text_of("List", Json::object(), {{"more", true}}));
    std::vector<RawPeer> peers;
    for (int number = 0; number < 20; ++number) {
        RawPeer& peer = peers.emplace_back(socket_path);
        while (peer.send_what_goes(calls)) {
        }
    }
}

class AFloodOfAllKinds : public WithBroker {
  protected:
    AFloodOfAllKinds() : WithBroker({"--bytes-per-user", "64M"}) {}

    void begin() {
        for (const auto way : {take_segments, take_sessions, call_ahead, leave_answers_unread}) {
            floods_.push_back(ChildProcess::as_user(nobody, [this, way](Lines& parent) {
                way(daemon.socket_path());
                parent.say("at it");
                while (true) {
                    way(daemon.socket_path());
                }
            }));
        }
        for (ChildProcess& flood : floods_) {
            EXPECT_EQ(flood.hear(), "at it");
        }
    }

    void kill() {
        for (ChildProcess& flood : floods_) {
            flood.strike();
            EXPECT_EQ(flood.wait(), -SIGKILL) << "it went on until then";
        }
    }

    // Whether the broker knows of nothing that this user has.
    bool is_gone(User user) {
        const Statistics statistics = broker.statistics();
        return std::ranges::none_of(statistics.users,
                                    [&](const UserUsage& one) { return one.uid == user.uid; });
    }

  private:
    std::vector<ChildProcess> floods_;
};

// What a modest user has, and does all the while.
class Belongings {
  public:
    explicit Belongings(const std::string& socket_path) : broker_(socket_path) {
        for (int number = 0; number < 10; ++number) {
            kept_.push_back(Value<int>::create(name(number), number, {.broker = &broker_}));
        }
    }

    void go_round(int round) {
        const auto made = Value<int>::create("new", round, {.broker = &broker_});
        auto opened = Value<int>::open("new", {.broker = &broker_});
        {
            const std::scoped_lock lock(opened.mutex());
            EXPECT_EQ(opened.load(), round);
            opened.store(round + 1);
        }
        EXPECT_EQ(made.load(), round + 1);
        EXPECT_EQ(broker_.describe("new").attachments.size(), 1U);
        EXPECT_EQ(broker_.list().size(), kept_.size() + 1);
        broker_.destroy("new");
    }

    void expect_all_intact() {
        EXPECT_EQ(broker_.list().size(), kept_.size());
        for (int number = 0; const auto& one : kept_) {
            EXPECT_EQ(one.load(), number);
            EXPECT_EQ(Value<const int>::open(name(number), {.broker = &broker_}).load(), number);
            ++number;
        }
    }

    // What the broker says that its user has of each resource.
    std::vector<std::uint64_t> use() {
        broker_.list("none"); // so that what was let go of before is known
        const Statistics statistics = broker_.statistics();
        std::vector<std::uint64_t> used;
        for (const Usage& one : statistics.users.front().usage) {
            used.push_back(one.used);
        }
        return used;
    }

  private:
    static std::string name(int number) { return "kept" + std::to_string(number); }

    Broker broker_;
    std::vector<Value<int>> kept_;
};

TEST_F(AFloodOfAllKinds, LosesAnotherUserNothingAndLeavesNothingBehind) {
    NEEDS_ROOT();
    ChildProcess modest = ChildProcess::as_user(stranger, [&](Lines& parent) {
        Belongings all(daemon.socket_path());
        all.expect_all_intact();
        const auto before = all.use();
        parent.say("ready");
        parent.hear();
        for (int round = 0; round < 100; ++round) {
            all.go_round(round);
        }
        all.expect_all_intact();
        EXPECT_EQ(all.use(), before);
        parent.say("done");
        parent.hear();
        all.expect_all_intact();
        EXPECT_EQ(all.use(), before);
    });
    ASSERT_EQ(modest.hear(), "ready");
    const Counters before = broker.statistics().counters;
    const std::size_t open_before = daemon.open_fds();
    begin();
    modest.say("there is a flood");
    EXPECT_EQ(modest.hear(), "done");
    const Counters after = broker.statistics().counters;
    EXPECT_GT(after.refusals, before.refusals) << "the flood reached no limit";
    kill();
    EXPECT_TRUE(eventually([&] { return is_gone(nobody); }));
    EXPECT_TRUE(eventually([&] { return daemon.open_fds() == open_before; }))
        << daemon.open_fds() << " descriptors, and " << open_before << " before";
    modest.say("the flood is over");
    EXPECT_EQ(modest.wait(), 0);
}

} // namespace
} // namespace memshare::test
