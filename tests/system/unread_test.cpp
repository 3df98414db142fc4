// Peers that leave replies unread, or calls unfinished: what that takes is theirs, and others have the rest.
#include "proto/limits.h"
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

namespace memshare::test {
namespace {

namespace limits = proto::limits;

void raise_own_limit(rlim_t most) {
    const rlimit limit{.rlim_cur = most, .rlim_max = most};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

std::string repeated(const std::string& text, int times) {
    std::string all;
    for (; times > 0; --times) {
        all += text;
    }
    return all;
}

// Without privileges, as the kernel binds only such a one: all its processes may have no more descriptors in
// flight than one of them may have open.
class ADaemonWithFewDescriptors : public testing::Test {
  protected:
    void SetUp() override {
        NEEDS_ROOT();
        std::filesystem::create_directory(folder_ / "own");
        ASSERT_EQ(chown((folder_ / "own").c_str(), nobody.uid, nobody.gid), 0);
        ASSERT_EQ(chmod((folder_ / "own").c_str(), 0755), 0);
        host_.emplace(ChildProcess::as_user(nobody, [&](Lines& parent) {
            raise_own_limit(4096);
            const auto started = start_broker({"--socket", socket_path()}, folder_ / "own/log");
            parent.say(std::to_string(started.pid));
            parent.hear();
            send_signal(started.pid, SIGTERM);
            EXPECT_EQ(wait_for_end(started.pid), 0);
        }));
        ASSERT_NE(host_->hear(), "0");
    }
    void TearDown() override {
        if (host_) {
            host_->say("end");
            EXPECT_EQ(host_->wait(), 0);
        }
    }
    std::string socket_path() const { return folder_ / "own/socket"; }

    Folder folder_;
    std::optional<ChildProcess> host_;
};

TEST_F(ADaemonWithFewDescriptors, HasSomeInFlightForOthersHoweverManyOnePeerLeavesUnread) {
    RawPeer innocent(socket_path());
    Json shared = array_of_i32("shared");
    shared["mode"] = 0666;
    ASSERT_EQ(innocent.call("Create", shared).error(), "");
    ChildProcess reads_nothing = ChildProcess::as_user(stranger, [&](Lines& parent) {
        raise_own_limit(1024);
        std::vector<RawPeer> peers;
        const auto calls = repeated(RawPeer::text_of("Attach", {{"name", "shared"}, {"access", "read"}}), 40);
        for (int number = 0; number < 500; ++number) {
            peers.emplace_back(socket_path()).send(calls);
        }
        for (RawPeer& peer : peers) {
            pollfd answered{.fd = peer.socket(), .events = POLLIN, .revents = 0};
            EXPECT_EQ(poll(&answered, 1, static_cast<int>(milliseconds(long_enough).count())), 1);
        }
        parent.say("they wait");
        parent.hear();
    });
    ASSERT_EQ(reads_nothing.hear(), "they wait");
    for (int call = 0; call < 50; ++call) {
        EXPECT_EQ(innocent.call("Attach", {{"name", "shared"}, {"access", "read"}}).fds.size(), 1U);
    }
    reads_nothing.say("end");
    EXPECT_EQ(reads_nothing.wait(), 0);
}

class APeer : public WithBroker {
  public:
    explicit APeer(const BrokerProcess::Arguments& arguments = {}) : WithBroker(arguments) {}

  protected:
    std::uint64_t used(const std::string& resource) const {
        for (const Usage& usage : Broker(daemon.socket_path()).statistics().total) {
            if (usage.resource == resource) {
                return usage.used;
            }
        }
        throw std::runtime_error("nothing is said of " + resource);
    }

    Array<int> shared = Array<int>::create("shared", 5, {.broker = &broker});
};

TEST_F(APeer, ThatLeavesDescriptorsUnreadHasThemCounted) {
    const std::uint64_t before = used("descriptors"); // with one session more, as in each look
    {
        RawPeer peer(daemon.socket_path());
        peer.send(repeated(RawPeer::text_of("Attach", {{"name", "shared"}, {"access", "write"}}), 40));
        constexpr std::uint64_t more = limits::descriptors_per_session + limits::descriptors_in_flight - 1;
        EXPECT_TRUE(eventually([&] { return used("descriptors") == before + more; })) << used("descriptors");
        for (int call = 0; call < 40; ++call) {
            EXPECT_EQ(peer.receive().value().fds.size(), 1U);
        }
        peer.call("Goodbye");
    }
    EXPECT_TRUE(eventually([&] { return used("descriptors") == before; }));
}

// A reply of any length, and then one with a descriptor, which waits until the first is read.
TEST_F(APeer, ThatReadsLateCostsNoTimeUntilItReads) {
    std::vector<RawPeer> peers;
    for (int number = 0; number < 200; ++number) {
        peers.emplace_back(daemon.socket_path())
            .send(RawPeer::text_of(number % 2 == 0 ? "Describe" : "None", {{"name", "shared"}}) +
                  RawPeer::text_of("Attach", {{"name", "shared"}, {"access", "write"}}));
    }
    for (RawPeer& peer : peers) {
        pollfd answered{.fd = peer.socket(), .events = POLLIN, .revents = 0};
        ASSERT_EQ(poll(&answered, 1, static_cast<int>(milliseconds(long_enough).count())), 1);
    }
    poll(nullptr, 0, 200); // the time passes to be measured
    const auto before = daemon.processor_time();
    poll(nullptr, 0, 1000);
    EXPECT_LE(daemon.processor_time() - before, milliseconds(10)); // one tick
    for (RawPeer& peer : peers) {
        ASSERT_TRUE(peer.receive().value().fds.empty());
        ASSERT_EQ(peer.receive().value().fds.size(), 1U);
        peer.call("Goodbye");
    }
}

// Each of them would wait a millisecond, if the daemon looked for it on a timer.
TEST_F(APeer, ThatCallsAheadGetsItsDescriptorsAsSoonAsItReads) {
    RawPeer peer(daemon.socket_path());
    constexpr int rounds = 500;
    peer.send(repeated(
        RawPeer::text_of("None") + RawPeer::text_of("Attach", {{"name", "shared"}, {"access", "write"}}),
        rounds / 5));
    const auto start = Clock::now();
    for (int round = 0; round < rounds / 5; ++round) {
        ASSERT_TRUE(peer.receive().value().fds.empty());
        ASSERT_EQ(peer.receive().value().fds.size(), 1U);
    }
    std::cout << "    "
              << std::chrono::duration_cast<microseconds>(Clock::now() - start).count() / (rounds / 5)
              << " us for each pair of calls made ahead\n";
    peer.call("Goodbye");
}

constexpr std::uint64_t half_a_call = 100 * limits::KiB;

TEST_F(APeer, ThatDoesNotFinishACallHasItCounted) {
    {
        RawPeer peer(daemon.socket_path());
        peer.send(std::string(half_a_call, ' '));
        EXPECT_TRUE(eventually([&] { return used("callBytes") >= half_a_call; }));
        peer.send(RawPeer::text_of("List"));
        EXPECT_TRUE(peer.receive());
        EXPECT_TRUE(eventually([&] { return used("callBytes") == 0; })) << "when it is answered";
        peer.send(std::string(half_a_call, ' '));
        EXPECT_TRUE(eventually([&] { return used("callBytes") >= half_a_call; }));
    }
    EXPECT_TRUE(eventually([&] { return used("callBytes") == 0; })) << "when it is gone";
}

TEST_F(APeer, ThatIsIdleAfterALongCallHoldsLittleMemory) {
    std::vector<RawPeer> peers;
    for (int number = 0; number < 200; ++number) {
        RawPeer& peer = peers.emplace_back(daemon.socket_path());
        peer.call("List");
    }
    const std::size_t before = daemon.resident_bytes();
    std::string long_call = RawPeer::text_of("List");
    long_call.insert(long_call.size() - 1, limits::call_bytes - long_call.size(), ' ');
    for (RawPeer& peer : peers) {
        peer.send(long_call);
        ASSERT_TRUE(peer.receive());
    }
    if (!sanitized) {
        EXPECT_LT(daemon.resident_bytes(), before + peers.size() * 32 * limits::KiB);
    }
    for (RawPeer& peer : peers) {
        peer.call("Goodbye");
    }
}

class LittleRoomForCalls : public APeer {
  public:
    LittleRoomForCalls() : APeer({"--total-call-bytes", "200K"}) {}
};

TEST_F(LittleRoomForCalls, IsForOneOfThemAndAnotherIsCutOff) {
    static_assert(limits::call_bytes_per_user < limits::call_bytes_total);
    RawPeer slow(daemon.socket_path());
    slow.send(std::string(half_a_call, ' '));
    EXPECT_TRUE(eventually([&] { return used("callBytes") >= half_a_call; }));
    RawPeer second(daemon.socket_path());
    second.send(std::string(half_a_call, ' '));
    EXPECT_TRUE(second.is_ended());
    EXPECT_TRUE(RawPeer(daemon.socket_path()).call("List").error().empty()) << "short calls need no room";
    slow.send(RawPeer::text_of("List"));
    EXPECT_TRUE(slow.receive());
}

TEST_F(APeer, ThatIsIdleHasABufferOfItsOwnThatIsNotCounted) {
    RawPeer peer(daemon.socket_path());
    peer.send(std::string(limits::idle_buffer_bytes / 2, ' '));
    EXPECT_EQ(RawPeer(daemon.socket_path()).call("List").error(), "");
    EXPECT_EQ(used("callBytes"), 0U);
}

} // namespace
} // namespace memshare::test
