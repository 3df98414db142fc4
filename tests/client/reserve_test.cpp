// What is reserved is there, or there is an error and nothing else.
#include "proto/limits.h"
#include "tests/support/cgroup.h"
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>

namespace memshare::test {
namespace {

constexpr std::size_t MiB = std::size_t{1} << 20;
constexpr std::size_t page = 4096;
constexpr std::size_t more_than_any_machine_has = std::size_t{1} << 39; // but no user.s quota

class Reserve : public WithBroker {
  protected:
    // How much the kernel has given for a segment.
    std::uint64_t bytes_given(const std::string& name) const {
        RawPeer peer(daemon.socket_path());
        const auto reply = peer.call("Attach", {{"name", name}, {"access", "read"}});
        struct stat status{};
        EXPECT_EQ(fstat(reply.fds.at(0).number(), &status), 0);
        return 512 * static_cast<std::uint64_t>(status.st_blocks);
    }
};

TEST_F(Reserve, TakesAllPagesAtOnce) {
    const auto made = Array<char>::create("arr", 4 * MiB, {.reserve = true, .broker = &broker});
    EXPECT_EQ(bytes_given("arr"), 4 * MiB + page);
}

TEST_F(Reserve, IsNotDoneUnasked) {
    const auto made = Array<char>::create("arr", 4 * MiB, {.broker = &broker});
    EXPECT_EQ(bytes_given("arr"), 0U);
}

TEST_F(Reserve, TakesMoreThanItTakesAtOnce) {
    constexpr std::size_t more = proto::limits::reserve_step_bytes + MiB;
    const auto made = Array<char>::create("arr", more, {.reserve = true, .broker = &broker});
    EXPECT_EQ(bytes_given("arr"), more + page);
}

TEST_F(Reserve, LeavesTheContentsAsTheyShouldBe) {
    const auto arr = Array<int>::create("arr", {1, 2, 3}, {.reserve = true, .broker = &broker});
    const auto num = Value<double>::create("num", 0.5, {.reserve = true, .broker = &broker});
    EXPECT_EQ(Array<const int>::open("arr", {.broker = &broker})[2], 3);
    EXPECT_EQ(Value<const double>::open("num", {.broker = &broker}).load(), 0.5);
}

TEST_F(Reserve, OfMoreThanTheMachineHasIsAnErrorThatSaysHowMuch) {
    const Error error = error_of(
        [&] { Array<char>::create("arr", more_than_any_machine_has, {.reserve = true, .broker = &broker}); });
    EXPECT_EQ(error.code(), Errc::out_of_memory);
    EXPECT_NE(std::string(error.what()).find(std::to_string(more_than_any_machine_has + page)),
              std::string::npos)
        << error.what();
}

TEST_F(Reserve, OfMoreThanTheMachineHasLeavesNothingBehind) {
    const CreateOptions options{.lifetime = Lifetime::persistent, .reserve = true, .broker = &broker};
    const auto round = [&] {
        EXPECT_THROW(Array<char>::create("arr", more_than_any_machine_has, options), Error);
    };
    round();
    broker.version(); // is connected from here on
    const std::size_t fds = open_fds(getpid());
    const std::size_t mapped = mappings(getpid());
    for (int number = 0; number < 10; ++number) {
        round();
    }
    EXPECT_TRUE(broker.list().empty());
    EXPECT_EQ(open_fds(getpid()), fds);
    EXPECT_LE(mappings(getpid()), mapped + (sanitized ? 64 : 2)); // the heap may have grown
    EXPECT_NO_THROW(Array<char>::create("arr", page, options));
}

TEST_F(Reserve, OfWhatThereIsIsNoErrorWithOpenOrCreate) {
    const CreateOptions options{.reserve = true, .broker = &broker};
    const auto made = Array<char>::open_or_create("arr", MiB, options);
    const auto same = Array<char>::open_or_create("arr", MiB, options);
    EXPECT_EQ(bytes_given("arr"), MiB + page);
}

// There the kernel would kill: this is what reserve is to foresee.
TEST_F(Reserve, OfMoreThanItsCgroupHasIsAnErrorAndNoKill) {
    const auto cgroup = Cgroup::with_memory(64 * MiB);
    if (!cgroup) {
        GTEST_SKIP() << "no memory cgroup can be made here";
    }
    ChildProcess creator([&](Lines&) {
        cgroup->enter();
        Broker own(daemon.socket_path());
        const Error error =
            error_of([&] { Array<char>::create("large", 65 * MiB, {.reserve = true, .broker = &own}); });
        EXPECT_EQ(error.code(), Errc::out_of_memory);
        EXPECT_NO_THROW(Array<char>::create("small", 8 * MiB, {.reserve = true, .broker = &own}));
    });
    EXPECT_EQ(creator.wait(), 0);
}

TEST_F(Reserve, IsPaidForByTheCgroupOfTheCreator) {
    const auto cgroup = Cgroup::with_memory(256 * MiB);
    if (!cgroup) {
        GTEST_SKIP() << "no memory cgroup can be made here";
    }
    ChildProcess creator([&](Lines& parent) {
        cgroup->enter();
        Broker own(daemon.socket_path());
        const auto made = Array<char>::create("arr", 32 * MiB, {.reserve = true, .broker = &own});
        parent.say("made");
        parent.hear();
    });
    EXPECT_EQ(creator.hear(), "made");
    EXPECT_GE(cgroup->memory_usage(), 32 * MiB);
    creator.say("end");
    EXPECT_EQ(creator.wait(), 0);
}

TEST_F(Reserve, OfMoreThanTheProcessMayMapIsAnError) {
    if (sanitized) {
        GTEST_SKIP() << "sanitizers map terabytes";
    }
    ChildProcess creator([&](Lines&) {
        Broker own(daemon.socket_path());
        const rlimit limit{.rlim_cur = 1024 * MiB, .rlim_max = 1024 * MiB};
        setrlimit(RLIMIT_AS, &limit);
        EXPECT_EQ(error_of([&] { Array<char>::create("arr", 1024 * MiB, {.broker = &own}); }).code(),
                  Errc::out_of_memory);
        EXPECT_TRUE(own.list().empty());
    });
    EXPECT_EQ(creator.wait(), 0);
}

// How much there is cannot be told then: that is no reason to take anything.
TEST_F(Reserve, WhereProcCannotBeReadIsAnErrorThatSaysSo) {
    NEEDS_ROOT();
    const Folder empty;
    ChildProcess creator([&](Lines&) {
        Broker own(daemon.socket_path());
        own.version();
        ASSERT_EQ(chroot(empty.path().c_str()), 0);
        const Error error =
            error_of([&] { Array<char>::create("arr", page, {.reserve = true, .broker = &own}); });
        EXPECT_EQ(error.code(), Errc::out_of_memory);
        EXPECT_NE(std::string(error.what()).find("/proc/meminfo"), std::string::npos) << error.what();
        EXPECT_NO_THROW(Array<char>::create("arr", page, {.broker = &own}));
    });
    EXPECT_EQ(creator.wait(), 0);
}

TEST_F(Reserve, WhereItsCgroupCannotBeReadIsAnErrorThatSaysSo) {
    NEEDS_ROOT();
    const Folder empty;
    ChildProcess creator([&](Lines&) {
        Broker own(daemon.socket_path());
        own.version();
        ASSERT_EQ(unshare(CLONE_NEWNS), 0);
        ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
        ASSERT_EQ(mount(empty.path().c_str(), "/sys/fs/cgroup", nullptr, MS_BIND, nullptr), 0);
        const Error error =
            error_of([&] { Array<char>::create("arr", page, {.reserve = true, .broker = &own}); });
        EXPECT_EQ(error.code(), Errc::out_of_memory);
        EXPECT_NE(std::string(error.what()).find("/sys/fs/cgroup"), std::string::npos) << error.what();
    });
    EXPECT_EQ(creator.wait(), 0);
}

// It is foreseen, so that nothing has to be undone.
TEST_F(Reserve, OfMoreThanTheMachineHasIsRefusedWithoutABroker) {
    Broker nobody_there("/nowhere/socket");
    const auto make = [&] {
        Array<char>::create("arr", more_than_any_machine_has, {.reserve = true, .broker = &nobody_there});
    };
    EXPECT_EQ(error_of(make).code(), Errc::out_of_memory);
}

// From here on MADV_POPULATE_WRITE is what it is to a kernel before 5.14.
void forget_populate() {
    constexpr int populate_write = 23;
    std::array code{
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, populate_write, 0, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{.len = code.size(), .filter = code.data()};
    EXPECT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    EXPECT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

TEST_F(Reserve, WorksOnKernelsThatCannotPopulateAMapping) {
    ChildProcess creator([&](Lines&) {
        forget_populate();
        Broker own(daemon.socket_path());
        const auto made = Array<char>::create("arr", 65 * MiB, {.reserve = true, .broker = &own});
        EXPECT_EQ(bytes_given("arr"), 65 * MiB + page);
    });
    EXPECT_EQ(creator.wait(), 0);
}

} // namespace
} // namespace memshare::test
