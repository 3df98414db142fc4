// A process that the kernel does not let sleep on a word, as a container's filter may say: it waits all the
// same, and does not take a whole processor.
#include "tests/support/with_broker.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <mutex>
#include <thread>

namespace memshare::test {
namespace {

constexpr long sys_futex_waitv = 449; // younger than our C library's headers

// From here on the shared sleeps of this process, and of no other kind of futex(2), fail with this error.
// (Those of the C library itself are private.)
void refuse_shared_sleeps(int error) {
    constexpr std::uint32_t shared_wait = FUTEX_WAIT_BITSET;
    const std::uint32_t refused = SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
    std::array filter{
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, sys_futex_waitv, 3, 0),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 3),
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, shared_wait, 0, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, refused),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{.len = filter.size(), .filter = filter.data()};
    ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

// How often this process has gone to sleep meanwhile. (Processor time would say less: beside others that want
// the processor, also a busy loop gets little.)
long sleeps_during(const auto& work) {
    const auto now = [] {
        rusage used{};
        getrusage(RUSAGE_SELF, &used);
        return used.ru_nvcsw;
    };
    const auto before = now();
    work();
    return now() - before;
}

// More than of a busy loop, and less than of pauses in half a second on the slowest machine.
constexpr long enough_sleeps = 10;

class ARefusedFutex : public WithBroker, public testing::WithParamInterface<int> {
  protected:
    Value<int> number = Value<int>::create("num", 0, {.broker = &broker});

    void in_a_child_without(int error, const std::function<void(Value<int>&)>& work) {
        ChildProcess child([&](Lines&) {
            Broker own(daemon.socket_path());
            auto same = Value<int>::open("num", {.broker = &own});
            ASSERT_NO_FATAL_FAILURE(refuse_shared_sleeps(error));
            work(same);
        });
        EXPECT_EQ(child.wait(), 0);
    }
};

TEST_P(ARefusedFutex, IsWaitedForWithoutTakingTheProcessor) {
    in_a_child_without(GetParam(), [](Value<int>& same) {
        EXPECT_GT(sleeps_during([&] { EXPECT_FALSE(same.wait_for(0, milliseconds(500))); }), enough_sleeps);
        std::jthread writer([&] { same.store(1); });
        same.wait(0);
    });
}

TEST_P(ARefusedFutex, OfALockIsWaitedForWithoutTakingTheProcessor) {
    const std::scoped_lock lock(number.mutex());
    in_a_child_without(GetParam(), [](Value<int>& same) {
        EXPECT_GT(sleeps_during([&] { EXPECT_FALSE(same.mutex().try_lock_for(milliseconds(500))); }),
                  enough_sleeps);
    });
}

TEST_P(ARefusedFutex, IsWatchedWithoutTakingTheProcessor) {
    in_a_child_without(GetParam(), [](Value<int>& same) {
        const Watch watch = same.watch();
        pollfd readable{.fd = watch.descriptor(), .events = POLLIN, .revents = 0};
        EXPECT_GT(sleeps_during([&] { EXPECT_EQ(poll(&readable, 1, 500), 0); }), enough_sleeps);
        same.store(1);
        EXPECT_EQ(poll(&readable, 1, 20'000), 1);
    });
}

INSTANTIATE_TEST_SUITE_P(WithEachError, ARefusedFutex, testing::Values(EACCES, EPERM, ENOSYS, ENOMEM));

} // namespace
} // namespace memshare::test
