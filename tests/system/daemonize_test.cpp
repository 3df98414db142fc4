// A process that becomes a daemon (leaves its session, closes whatever is open) is the same process still: it
// keeps its locks and its segments. Only one that goes on in a forked child does not.
#include "tests/support/with_broker.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <ranges>

namespace memshare::test {
namespace {

// What daemon(3) does, and close_range(2) for all that may be open, but not to the line to the test.
void become_a_daemon(const Lines& test) {
    const auto line = static_cast<unsigned>(test.socket());
    EXPECT_NE(setsid(), -1);
    EXPECT_EQ(chdir("/"), 0);
    umask(0);
    if (line > 3) {
        EXPECT_EQ(close_range(3, line - 1, 0), 0);
    }
    EXPECT_EQ(close_range(line + 1, ~0U, 0), 0);
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        EXPECT_EQ(dup2(nothing, standard), standard);
    }
    close(nothing);
}

class AProcessThatBecomesADaemon : public WithBroker {
  protected:
    // Makes "mine", locks "shared", becomes a daemon in there, and then does what is asked of it. When this
    // returns, the broker has noticed that the connection is closed.
    ChildProcess in_a_lock(
        const std::function<void(Lines& test, Broker& own, const Value<int>& shared)>& then) {
        broker.version();
        const std::size_t without = daemon.open_fds();
        ChildProcess process([&](Lines& test) {
            Broker own(daemon.socket_path());
            const auto mine = Value<int>::create("mine", 1, {.broker = &own});
            const auto opened = Value<int>::open("shared", {.broker = &own});
            opened.mutex().lock();
            test.say("locked");
            test.hear();
            become_a_daemon(test);
            test.say("a daemon");
            test.hear();
            then(test, own, opened);
        });
        EXPECT_EQ(process.hear(), "locked");
        const std::size_t connected = daemon.open_fds();
        EXPECT_GT(connected, without);
        process.say("become one");
        EXPECT_EQ(process.hear(), "a daemon");
        EXPECT_TRUE(eventually([&] { return daemon.open_fds() == connected - 1; }));
        return process;
    }

    static void stay(Lines& test, Broker& /*own*/, const Value<int>& /*shared*/) { test.hear(); }

    Value<int> shared = Value<int>::create("shared", 1, {.broker = &broker});
};

TEST_F(AProcessThatBecomesADaemon, KeepsItsLock) {
    auto process = in_a_lock(stay);
    ChildProcess other([&](Lines&) {
        Broker own(daemon.socket_path());
        const auto opened = Value<int>::open("shared", {.broker = &own});
        EXPECT_FALSE(opened.mutex().try_lock());
    });
    EXPECT_EQ(other.wait(), 0);
    EXPECT_FALSE(shared.mutex().try_lock_for(milliseconds(20)));
    const LockInfo lock = broker.describe("shared").lock;
    ASSERT_TRUE(lock.holder);
    EXPECT_EQ(lock.holder->pid, process.pid());
    EXPECT_EQ(lock.recoveries, 0U);
}

TEST_F(AProcessThatBecomesADaemon, KeepsItsSegments) {
    auto process = in_a_lock(stay);
    EXPECT_EQ(Value<int>::open("mine", {.broker = &broker}).load(), 1);
    EXPECT_EQ(broker.describe("mine").segment.creator_pid, process.pid());
    EXPECT_EQ(broker.describe("shared").attachments.size(), 2U);
}

TEST_F(AProcessThatBecomesADaemon, GoesOnWithItsDataAndUnlocksForOthers) {
    auto process = in_a_lock([](Lines& test, Broker&, const Value<int>& opened) {
        EXPECT_TRUE(opened.mutex().is_held());
        EXPECT_EQ(opened.load(), 2);
        opened.mutex().unlock();
        test.say("unlocked");
        test.hear();
        EXPECT_FALSE(opened.mutex().try_lock());
    });
    shared.store(2);
    process.say("unlock");
    EXPECT_EQ(process.hear(), "unlocked");
    EXPECT_TRUE(shared.mutex().try_lock());
    EXPECT_FALSE(shared.mutex().recovered());
    process.say("try it");
    EXPECT_EQ(process.wait(), 0);
    shared.mutex().unlock();
}

TEST_F(AProcessThatBecomesADaemon, LosesItsLockAndItsSegmentsWhenItIsKilled) {
    auto process = in_a_lock(stay);
    const pid_t pid = process.pid();
    process.kill();
    expect_to_inherit(shared.mutex(), pid);
    EXPECT_TRUE(eventually([&] { return !lists(broker, "mine"); }));
}

TEST_F(AProcessThatBecomesADaemon, CallsAsWhoItWas) {
    auto process = in_a_lock([](Lines& test, Broker& own, const Value<int>& opened) {
        const auto more = Value<int>::create("more", 2, {.broker = &own});
        EXPECT_EQ(own.describe("shared").lock.holder->pid, getpid());
        opened.mutex().unlock();
        const std::scoped_lock again(opened.mutex());
        test.say("called");
        test.hear();
    });
    process.say("call");
    EXPECT_EQ(process.hear(), "called");
    EXPECT_EQ(broker.list().size(), 3U);
    EXPECT_EQ(broker.describe("shared").attachments.size(), 2U);
    EXPECT_FALSE(shared.mutex().try_lock());
    process.kill();
    EXPECT_TRUE(shared.mutex().try_lock_for(long_enough));
    shared.mutex().unlock();
    EXPECT_TRUE(eventually([&] { return broker.list().size() == 1; }));
}

// What it opens afterwards has the numbers of what was open before.
TEST_F(AProcessThatBecomesADaemon, HasWhatItOpensThenLeftAlone) {
    auto process = in_a_lock([](Lines& test, Broker& own, const Value<int>& /*shared*/) {
        std::array<std::array<int, 2>, 32> pairs{};
        for (auto& pair : pairs) {
            EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
        }
        EXPECT_EQ(own.list().size(), 2U);
        int disturbed = 0;
        for (const int number : pairs | std::views::join) {
            char byte = 0;
            const ssize_t size = recv(number, &byte, 1, MSG_DONTWAIT);
            disturbed += size >= 0 || errno != EAGAIN ? 1 : 0;
        }
        test.say(std::to_string(disturbed) + " disturbed");
    });
    process.say("call");
    EXPECT_EQ(process.hear(), "0 disturbed");
}

// As daemon(3) does it, and most programs: the creator ends, and its child goes on as another process.
TEST_F(AProcessThatBecomesADaemon, InAForkedChildLeavesItsLockAndItsSegmentsBehindAndHasItsDataStill) {
    ChildProcess process([&](Lines& test) {
        Broker own(daemon.socket_path());
        auto mine = Value<int>::create("mine", 1, {.broker = &own});
        const auto opened = Value<int>::open("shared", {.broker = &own});
        opened.mutex().lock();
        if (fork() != 0) {
            _exit(0);
        }
        become_a_daemon(test);
        try {
            test.hear();
            mine.store(2);
            test.say(std::to_string(mine.load()) + (opened.mutex().try_lock() ? " and locked" : ""));
            test.hear();
        } catch (const std::exception& /*the test has let go*/) {
            _exit(1);
        }
        _exit(0);
    });
    const pid_t pid = process.pid();
    EXPECT_EQ(process.wait(), 0);
    expect_to_inherit(shared.mutex(), pid);
    EXPECT_TRUE(eventually([&] { return !lists(broker, "mine"); }));
    process.say("go on");
    EXPECT_EQ(process.hear(), "2 and locked");
    EXPECT_FALSE(shared.mutex().try_lock());
}

} // namespace
} // namespace memshare::test
