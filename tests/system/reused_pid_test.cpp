// A process that has the pid of a dead one is not taken for that. Pids run out soon: by default there are
// 32768.
//
// All of this happens in a PID namespace of its own, where nobody else takes the pid that is due.
#include "tests/support/first_process.h"
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace memshare::test {
namespace {

// The next child has that pid, as it is free.
void let_the_next_pid_be(pid_t pid) {
    std::ofstream last("/proc/sys/kernel/ns_last_pid"); // that of our own namespace
    last << pid - 1 << std::flush;
    ASSERT_TRUE(last.good());
}

// A broker among few processes.
struct Scene {
    BrokerProcess daemon;
    Broker broker{daemon.socket_path()};
    Value<int> shared = Value<int>::create("shared", 1, {.broker = &broker});

    // Until it goes on, it learns nothing of who comes and who dies.
    void stop_the_daemon() const { stop(daemon.pid()); }
    void let_the_daemon_go_on() const { go_on(daemon.pid()); }

    // Makes a segment of this name, and has the lock of "shared".
    void hold(Lines& test, const std::string& name) const {
        Broker own(daemon.socket_path());
        const auto mine = Value<int>::create(name, 1, {.broker = &own});
        const auto opened = Value<int>::open("shared", {.broker = &own});
        opened.mutex().lock();
        test.say("locked");
        pause();
    }
    ChildProcess holder() const {
        return ChildProcess([this](Lines& test) { hold(test, "mine"); });
    }

    // Calls for a segment of this name, and says so before it is answered.
    ChildProcess caller(const std::string& name) const {
        return ChildProcess([&, this](Lines& test) {
            RawPeer peer(daemon.socket_path());
            peer.send_call("Create", array_of_i32(name));
            test.say("called");
            EXPECT_EQ(peer.receive().value().error(), "");
            test.say("answered");
            pause();
        });
    }

    // Kills it while the daemon is stopped, so that this learns of its death and of one with the same pid,
    // who calls for "theirs", at the same time.
    ChildProcess replaced(ChildProcess& dead) const {
        const pid_t pid = dead.pid();
        dead.kill();
        let_the_next_pid_be(pid);
        ChildProcess next = caller("theirs");
        EXPECT_EQ(next.pid(), pid);
        EXPECT_EQ(next.hear(), "called");
        let_the_daemon_go_on();
        EXPECT_EQ(next.hear(), "answered");
        return next;
    }

    bool ends_soon(const std::string& name) {
        return eventually([&] { return !lists(broker, name); });
    }
};

void play(const std::function<void(Scene& scene)>& work) {
    FirstProcess first([&work](Lines&) {
        Scene scene;
        work(scene);
    });
    EXPECT_EQ(first.wait(), 0);
}

TEST(AReusedPid, DoesNotMakeItsNextProcessTheDeadOne) {
    NEEDS_ROOT();
    play([](Scene& scene) {
        ChildProcess dead = scene.holder();
        ASSERT_EQ(dead.hear(), "locked");
        const pid_t pid = dead.pid();
        scene.stop_the_daemon();
        ChildProcess next = scene.replaced(dead);

        expect_to_inherit(scene.shared.mutex(), pid);
        EXPECT_TRUE(scene.ends_soon("mine"));
        EXPECT_EQ(scene.broker.describe("shared").attachments.size(), 1U);
        EXPECT_EQ(scene.broker.describe("theirs").segment.creator_pid, pid);

        next.kill();
        EXPECT_TRUE(scene.ends_soon("theirs"));
        EXPECT_TRUE(scene.shared.alive());
        EXPECT_EQ(scene.broker.describe("shared").lock.recoveries, 1U);
    });
}

TEST(AReusedPid, DoesNotMakeItsNextProcessTheCallerOfWhatTheDeadOneCalledFor) {
    NEEDS_ROOT();
    play([](Scene& scene) {
        scene.stop_the_daemon();
        ChildProcess dead = scene.caller("mine");
        ASSERT_EQ(dead.hear(), "called");
        const ChildProcess next = scene.replaced(dead);
        EXPECT_TRUE(scene.ends_soon("mine"));
        EXPECT_TRUE(lists(scene.broker, "theirs"));
    });
}

TEST(AReusedPid, DoesNotResumeTheSessionOfTheDeadOne) {
    NEEDS_ROOT();
    play([](Scene& scene) {
        ChildProcess dead([&](Lines& test) {
            RawPeer peer(scene.daemon.socket_path());
            const auto hello = peer.call("Hello");
            peer.call("Create", array_of_i32("mine"));
            test.say(hello["token"].get<std::string>());
            pause();
        });
        const std::string token = dead.hear();
        const pid_t pid = dead.pid();
        scene.stop_the_daemon();
        dead.kill();
        let_the_next_pid_be(pid);
        ChildProcess next([&](Lines& test) {
            RawPeer peer(scene.daemon.socket_path());
            peer.send_call("Hello", {{"resumeToken", token}});
            test.say("called");
            EXPECT_EQ(peer.receive().value().error(), "io.memshare.Broker.NotResumable");
            EXPECT_EQ(peer.call("List").error(), "");
        });
        ASSERT_EQ(next.pid(), pid);
        ASSERT_EQ(next.hear(), "called");
        scene.let_the_daemon_go_on();
        EXPECT_EQ(next.wait(), 0);
        EXPECT_TRUE(scene.ends_soon("mine"));
    });
}

TEST(AReusedPid, OfALivingProcessInAnotherNamespaceDoesNotMakeThemOne) {
    NEEDS_ROOT();
    play([](Scene& scene) {
        ChildProcess living = scene.holder();
        ASSERT_EQ(living.hear(), "locked");
        const pid_t pid = living.pid();
        FirstProcess elsewhere([&](Lines& test) {
            let_the_next_pid_be(pid);
            ChildProcess same([&](Lines& first) {
                EXPECT_EQ(getpid(), pid);
                first.say("here");
                scene.hold(first, "theirs"); // but it does not get the lock
            });
            test.say(same.hear());
            test.hear();
        });
        ASSERT_EQ(elsewhere.hear(), "here");
        ASSERT_TRUE(eventually([&] { return scene.broker.describe("shared").lock.waiting; }));
        elsewhere.kill();
        EXPECT_TRUE(scene.ends_soon("theirs"));

        EXPECT_TRUE(lists(scene.broker, "mine"));
        EXPECT_FALSE(scene.shared.mutex().try_lock());
        EXPECT_EQ(scene.broker.describe("shared").lock.recoveries, 0U);
        living.kill();
        expect_to_inherit(scene.shared.mutex(), pid);
    });
}

} // namespace
} // namespace memshare::test
