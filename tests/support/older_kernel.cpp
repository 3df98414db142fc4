#include "tests/support/older_kernel.h"

#include "proto/fd.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <stdexcept>

namespace memshare::test {
namespace {

constexpr int so_passrights = 83;

constexpr unsigned argument(std::size_t number) {
    return static_cast<unsigned>(offsetof(seccomp_data, args) + number * sizeof(std::uint64_t));
}

} // namespace

void pretend_that_sockets_take_all_descriptors() {
    constexpr unsigned load = BPF_LD | BPF_W | BPF_ABS;
    constexpr unsigned is = BPF_JMP | BPF_JEQ | BPF_K;
    constexpr unsigned end = BPF_RET | BPF_K;
    std::array<sock_filter, 8> steps{{
        BPF_STMT(load, offsetof(seccomp_data, nr)),
        BPF_JUMP(is, SYS_setsockopt, 0, 5),
        BPF_STMT(load, argument(1)),
        BPF_JUMP(is, SOL_SOCKET, 0, 3),
        BPF_STMT(load, argument(2)),
        BPF_JUMP(is, so_passrights, 0, 1),
        BPF_STMT(end, SECCOMP_RET_ERRNO | ENOPROTOOPT),
        BPF_STMT(end, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog program{.len = steps.size(), .filter = steps.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        throw std::runtime_error("cannot pretend to be an older kernel");
    }
}

bool sockets_can_refuse_descriptors() {
    const auto socket = proto::Fd::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    constexpr int no = 0;
    return setsockopt(socket.number(), SOL_SOCKET, so_passrights, &no, sizeof(no)) == 0;
}

} // namespace memshare::test
