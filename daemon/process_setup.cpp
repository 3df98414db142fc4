#include "daemon/process_setup.h"

#include "proto/fd.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace memshare::daemon {
namespace {

rlim_t raise(__rlimit_resource which) {
    rlimit limit{};
    getrlimit(which, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(which, &limit);
    getrlimit(which, &limit);
    return limit.rlim_cur;
}

} // namespace

void arrange_signals() {
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    static_cast<void>(std::signal(SIGXFSZ, SIG_IGN)); // a memfd is a file, and has such a limit
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::uint64_t raise_limits() {
    raise(RLIMIT_FSIZE);
    return raise(RLIMIT_NOFILE);
}

void enlarge_descriptor_table(std::uint64_t can_be_open) {
    constexpr std::uint64_t enough = 65536;
    const auto last = static_cast<int>(std::min(can_be_open, enough)) - 1;
    proto::Fd::adopt(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, last)).close();
}

void have_memory_freed_in_small_steps() {
    constexpr int gigabyte = 1 << 30;
    mallopt(M_MXFAST, 0);
    mallopt(M_TRIM_THRESHOLD, gigabyte);
}

} // namespace memshare::daemon
