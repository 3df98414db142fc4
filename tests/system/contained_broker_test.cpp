// A broker in a PID namespace of its own, as in a container, sees no pid of the processes outside: all have
// 0. It knows them apart still.
#include "tests/support/first_process.h"
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace memshare::test {
namespace {

using proto::Fd;

ino_t inode_of(pid_t process) {
    const Fd fd = Fd::adopt(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
    struct stat status{};
    fstat(fd.number(), &status);
    return status.st_ino;
}

class AContainedBroker : public testing::Test {
  protected:
    void SetUp() override {
        NEEDS_ROOT();
        if (inode_of(getpid()) == inode_of(getppid())) {
            GTEST_SKIP() << "this kernel has no number for a process that is nobody else's (Linux 6.9)";
        }
        container_.emplace([](Lines& test) {
            const BrokerProcess daemon;
            test.say(daemon.socket_path());
            test.hear();
        });
        socket_path = container_->hear();
        broker.emplace(socket_path);
    }

    void TearDown() override {
        if (container_) {
            container_->say("that is all");
            EXPECT_EQ(container_->wait(), 0);
        }
    }

    // Makes a segment of this name, and locks that of the other name, as soon as that is free.
    ChildProcess creator(const std::string& name, const std::string& locked) {
        return ChildProcess([&, this](Lines& test) {
            Broker own(socket_path);
            const auto made = Value<int>::create(name, 1, {.broker = &own});
            const auto opened = Value<int>::open(locked, {.broker = &own});
            test.say("made");
            opened.mutex().lock();
            test.say("locked");
            pause();
        });
    }

    std::string socket_path;
    std::optional<Broker> broker;

  private:
    std::optional<FirstProcess> container_;
};

TEST_F(AContainedBroker, TellsProcessesOutsideApart) {
    const auto shared = Value<int>::create("shared", 1, {.broker = &*broker});
    auto one = creator("ones", "shared");
    ASSERT_EQ(one.hear(), "made");
    ASSERT_EQ(one.hear(), "locked");
    auto other = creator("others", "shared");
    ASSERT_EQ(other.hear(), "made");
    EXPECT_EQ(broker->describe("ones").segment.creator_pid, 0);
    EXPECT_EQ(broker->describe("others").segment.creator_pid, 0);

    one.kill();
    EXPECT_EQ(other.hear(), "locked");
    EXPECT_TRUE(eventually([&] { return !lists(*broker, "ones"); }));
    EXPECT_TRUE(lists(*broker, "others"));
    EXPECT_EQ(broker->describe("shared").lock.recoveries, 1U);

    other.kill();
    EXPECT_TRUE(shared.mutex().try_lock_for(long_enough));
    EXPECT_TRUE(shared.mutex().recovered());
    shared.mutex().unlock();
}

TEST_F(AContainedBroker, LetsNoOtherProcessOutsideResumeASession) {
    RawPeer first(socket_path);
    const auto hello = first.call("Hello");
    first.call("Create", array_of_i32("mine"));
    ChildProcess thief([&](Lines&) {
        RawPeer peer(socket_path);
        EXPECT_EQ(peer.call("Hello", {{"resumeToken", hello["token"]}}).error(),
                  "io.memshare.Broker.NotResumable");
    });
    EXPECT_EQ(thief.wait(), 0);
    EXPECT_EQ(first.call("Detach", {{"name", "mine"}}).error(), "");
}

} // namespace
} // namespace memshare::test
