// A client in a container: in namespaces of its own, with nothing of the machine but the broker's socket.
#include "tests/support/first_process.h"
#include "tests/support/with_broker.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <system_error>

namespace memshare::test {
namespace {

using proto::Fd;

// Who they are outside. Inside, each is root.
constexpr User tenant{1234, 1234};
constexpr User neighbour{1235, 1235};

void done(int result, const std::string& what) {
    if (result < 0) {
        throw std::system_error(errno, std::system_category(), what);
    }
}

void write_file(const std::string& path, const std::string& text) {
    const Fd file = Fd::adopt(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    done(static_cast<int>(write(file.number(), text.data(), text.size())), "write " + path);
}

// The next child is the first process of a container. It takes no privilege to make one: this user has none.
void move_into_a_container(User user, const std::string& socket_path) {
    prctl(PR_SET_DUMPABLE, 1); // its files in /proc are root's since it has become another user
    done(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS),
         "leave the namespaces of the machine");
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", "0 " + std::to_string(user.uid) + " 1");
    write_file("/proc/self/gid_map", "0 " + std::to_string(user.gid) + " 1");

    const Fd socket = Fd::adopt(open(socket_path.c_str(), O_PATH | O_CLOEXEC)); // it lies in /tmp as well
    done(mount("none", "/tmp", "tmpfs", 0, nullptr), "mount an empty folder");
    done(mknod("/tmp/broker", S_IFREG, 0), "make a file");
    const std::string place = "/proc/self/fd/" + std::to_string(socket.number());
    done(mount(place.c_str(), "/tmp/broker", nullptr, MS_BIND, nullptr), "mount the socket");
    done(chroot("/tmp"), "change the root");
    done(chdir("/"), "go there");
    setenv("MEMSHARE_SOCKET", "/broker", 1);
}

class AContainer : public WithBroker {
  protected:
    void SetUp() override {
        NEEDS_ROOT();
        if (thread_sanitized) {
            GTEST_SKIP()
                << "the thread sanitizer has a thread of its own, and unshare(2) wants a process of one";
        }
    }

    // The client's work begins when it is told something; it has inherited no segment and no connection.
    FirstProcess client(const ChildProcess::Work& work, User user = tenant) {
        return {[&work](Lines& test) {
                    EXPECT_EQ(test.hear(), "all is made");
                    work(test);
                },
                [this, user] { move_into_a_container(user, daemon.socket_path()); }, user};
    }

    // Makes "inside", writes to "outside", and has the lock of that until it is killed.
    FirstProcess holder() {
        return client([](Lines& test) {
            const auto made = Value<int>::create("inside", 1, {.mode = 0666});
            const auto opened = Array<int>::open("outside");
            const std::scoped_lock lock(opened.mutex());
            opened[0] = 2;
            test.say("locked");
            test.hear();
        });
    }

    Array<int> create_outside() {
        return Array<int>::create("outside", 1, {.mode = 0666, .broker = &broker});
    }

    static void go_on(FirstProcess& client, const std::string& until) {
        client.say("all is made");
        ASSERT_EQ(client.hear(), until);
    }
};

TEST_F(AContainer, HasNothingOfTheMachineButTheSocket) {
    auto inside = client([](Lines& test) {
        EXPECT_EQ(getuid(), 0U);
        EXPECT_EQ(getgid(), 0U);
        const std::filesystem::directory_iterator all("/");
        EXPECT_TRUE(std::ranges::all_of(all, [](const auto& entry) { return entry.path() == "/broker"; }));
        EXPECT_FALSE(Broker::local().version().empty());
        test.say("seen");
    });
    go_on(inside, "seen");
    EXPECT_EQ(inside.wait(), 0);
}

TEST_F(AContainer, SharesWithTheMachineBothWays) {
    auto inside = holder();
    const auto outside = create_outside();
    go_on(inside, "locked");
    EXPECT_EQ(outside[0], 2);
    EXPECT_EQ(Value<int>::open("inside", {.broker = &broker}).load(), 1);
}

TEST_F(AContainer, HasItsClientsSeenAsTheProcessesAndUsersThatTheyAreOutside) {
    auto inside = holder();
    const auto outside = create_outside();
    go_on(inside, "locked");

    const SegmentInfo made = broker.describe("inside").segment;
    EXPECT_EQ(made.creator_pid, inside.pid());
    EXPECT_EQ(made.uid, tenant.uid);
    EXPECT_EQ(made.gid, tenant.gid);

    const auto opened = broker.describe("outside");
    ASSERT_EQ(opened.attachments.size(), 2U);
    EXPECT_EQ(opened.attachments[1].pid, inside.pid());
    EXPECT_EQ(opened.attachments[1].uid, tenant.uid);
    ASSERT_TRUE(opened.lock.holder);
    EXPECT_EQ(opened.lock.holder->pid, inside.pid());
    EXPECT_EQ(opened.lock.holder->uid, tenant.uid);
    EXPECT_FALSE(outside.mutex().try_lock());
}

TEST_F(AContainer, WhoseClientIsKilledInsideALockPassesItOn) {
    auto inside = holder();
    const auto outside = create_outside();
    go_on(inside, "locked");
    inside.kill();
    ASSERT_TRUE(outside.mutex().try_lock_for(long_enough));
    const auto dead = outside.mutex().recovered();
    ASSERT_TRUE(dead);
    EXPECT_EQ(dead->pid, inside.pid());
    EXPECT_EQ(dead->uid, tenant.uid);
    EXPECT_EQ(outside[0], 2);
    outside.mutex().unlock();
}

TEST_F(AContainer, TakesTheSegmentsOfItsKilledClientWithItAndNoOthers) {
    auto inside = holder();
    const auto outside = create_outside();
    go_on(inside, "locked");
    const auto kept = Value<int>::open("inside", {.broker = &broker});
    inside.kill();
    EXPECT_TRUE(eventually([&] { return !lists(broker, "inside"); }));
    EXPECT_EQ(kept.load(), 1);
    EXPECT_FALSE(kept.alive());
    EXPECT_TRUE(outside.alive());
    EXPECT_EQ(broker.describe("outside").attachments.size(), 1U);
}

TEST_F(AContainer, ThatIsKilledPassesOnWhatAnyOfItsProcessesHasLocked) {
    auto inside = client([](Lines& test) {
        ChildProcess second([](Lines& first) {
            const auto opened = Array<int>::open("outside");
            const std::scoped_lock lock(opened.mutex());
            first.say("locked");
            pause(); // as it may see its parent's end before its own
        });
        test.say(second.hear());
        test.hear();
    });
    const auto outside = create_outside();
    go_on(inside, "locked");
    const auto holder = broker.describe("outside").lock.holder;
    ASSERT_TRUE(holder);
    EXPECT_NE(holder->pid, inside.pid());
    inside.kill();
    ASSERT_TRUE(outside.mutex().try_lock_for(long_enough));
    const auto dead = outside.mutex().recovered();
    ASSERT_TRUE(dead);
    EXPECT_EQ(dead->pid, holder->pid);
    outside.mutex().unlock();
}

TEST_F(AContainer, HasARootThatIsNoneOutsideAndNotThatOfAnother) {
    auto owner = client([](Lines& test) {
        const auto made = Value<int>::create("tenants", 1);
        test.say("made");
        test.hear();
    });
    auto other = client(
        [](Lines& test) {
            const auto opens = [](const std::string& name) { Value<const int>::open(name); };
            EXPECT_EQ(error_of([&] { opens("machines"); }).code(), Errc::no_such_segment);
            EXPECT_EQ(error_of([&] { opens("tenants"); }).code(), Errc::no_such_segment);
            EXPECT_EQ(error_of([] { Broker::local().destroy("outside"); }).code(), Errc::access_denied);
            EXPECT_EQ(Broker::local().list().size(), 1U);
            test.say("tried");
        },
        neighbour);
    const auto outside = create_outside();
    const auto mine = Value<int>::create("machines", 1, {.broker = &broker});
    go_on(owner, "made");
    go_on(other, "tried");
    EXPECT_EQ(other.wait(), 0);
    EXPECT_EQ(broker.list().size(), 3U);
}

} // namespace
} // namespace memshare::test
