// What the kernel keeps from a process that holds a descriptor of a segment.
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace memshare::test {
namespace {

// "shared" is root's, all may write it, and the daemon is root's: `nobody` tries what it can.
class AnotherUser : public WithBroker {
  protected:
    // What happens to errno's when `attempt` has a descriptor of "shared", got with this access.
    void tries(const std::string& access, const std::function<void(int memory)>& attempt) {
        ChildProcess other = ChildProcess::as_user(nobody, [&](Lines&) {
            RawPeer peer(daemon.socket_path());
            const auto answer = peer.call("Attach", {{"name", "shared"}, {"access", access}});
            attempt(answer.fds.at(0).number());
        });
        EXPECT_EQ(other.wait(), 0);
    }

    static int reopen(int memory, int flags) {
        return open(("/proc/self/fd/" + std::to_string(memory)).c_str(), flags | O_CLOEXEC);
    }

    Array<int> shared = Array<int>::create("shared", 2000, {.mode = 0666, .broker = &broker});
};

#define EXPECT_REFUSED(call, error) \
    EXPECT_EQ(call, -1);            \
    EXPECT_EQ(errno, error) << #call

TEST_F(AnotherUser, CannotReopenAReadOnlyDescriptorForWriting) {
    NEEDS_ROOT();
    tries("read", [](int memory) {
        EXPECT_REFUSED(reopen(memory, O_RDWR), EACCES);
        EXPECT_REFUSED(reopen(memory, O_WRONLY), EACCES);
    });
}

TEST_F(AnotherUser, CannotWriteThroughAReadOnlyDescriptor) {
    NEEDS_ROOT();
    tries("read", [](int memory) {
        const int value = 1;
        EXPECT_REFUSED(pwrite(memory, &value, sizeof(value), 4096), EBADF);
        EXPECT_EQ(mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, memory, 0), MAP_FAILED);
        void* mapped = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, memory, 0);
        EXPECT_REFUSED(mprotect(mapped, 4096, PROT_READ | PROT_WRITE), EACCES);
    });
    EXPECT_EQ(shared[0], 0);
}

TEST_F(AnotherUser, CannotResizeASegment) {
    NEEDS_ROOT();
    tries("write", [](int memory) {
        EXPECT_REFUSED(ftruncate(memory, 0), EPERM);
        EXPECT_REFUSED(ftruncate(memory, 1 << 20), EPERM);
        EXPECT_REFUSED(fallocate(memory, 0, 1 << 20, 4096), EPERM);
    });
}

TEST_F(AnotherUser, CannotAddSealsOrChangeTheMode) {
    NEEDS_ROOT();
    tries("write", [](int memory) {
        EXPECT_REFUSED(fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
        EXPECT_REFUSED(fchmod(memory, 0666), EPERM);
    });
}

TEST_F(AnotherUser, CannotReopenAWritableDescriptorEither) {
    NEEDS_ROOT();
    tries("write", [](int memory) { EXPECT_REFUSED(reopen(memory, O_RDONLY), EACCES); });
}

TEST(TheCreatorItself, CannotResizeItsSegment) {
    BrokerProcess daemon;
    RawPeer peer(daemon.socket_path());
    const auto made = peer.call("Create", array_of_i32("mine"));
    EXPECT_REFUSED(ftruncate(made.fds.at(0).number(), 0), EPERM);
    EXPECT_REFUSED(ftruncate(made.fds.at(0).number(), 1 << 20), EPERM);
    EXPECT_REFUSED(fcntl(made.fds.at(0).number(), F_ADD_SEALS, F_SEAL_WRITE), EPERM);
}

TEST_F(AnotherUser, ThatMakesASegmentSharesItWithAThird) {
    NEEDS_ROOT();
    ChildProcess maker = ChildProcess::as_user(nobody, [&](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto made = Value<int>::create("nobodys", 5, {.mode = 0644, .broker = &own});
        EXPECT_EQ(made.info().uid, nobody.uid);
        parent.say("made");
        parent.hear();
    });
    maker.hear();
    ChildProcess third = ChildProcess::as_user(stranger, [&](Lines&) {
        Broker own(daemon.socket_path());
        EXPECT_EQ(Value<const int>::open("nobodys", {.broker = &own}).load(), 5);
        EXPECT_EQ(error_of([&] { Value<int>::open("nobodys", {.broker = &own}); }).code(),
                  Errc::access_denied);
    });
    EXPECT_EQ(third.wait(), 0);
    maker.say("that is all");
    EXPECT_EQ(maker.wait(), 0);
}

} // namespace
} // namespace memshare::test
