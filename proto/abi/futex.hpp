// Sleeping on a word of shared memory until another process wakes us. (futex(2))
//
// The words lie in memfds that processes map at addresses of their own, so none of these is process-private.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <ctime>

namespace memshare::abi {

inline long futex(const std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
                  const timespec* deadline = nullptr) noexcept {
    return syscall(SYS_futex, &word, operation, value, deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
}

// The pause of a caller if the kernel refuses to let it sleep on a word, as the filter of a container may do
// (seccomp(2), with any error). The caller looks again at once, so without a pause it would take a whole
// processor.
inline constexpr timespec pause_if_refused{.tv_sec = 0, .tv_nsec = 1'000'000};

// Sleeps as long as the word is `expected`, and at most until a time of CLOCK_MONOTONIC. The caller looks
// again, whatever ended it: a wake-up, another word, the time, a signal, or a millisecond, if the kernel
// refuses. Leaves errno as it was.
inline void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                       const timespec* deadline) noexcept {
    const int before = errno;
    if (futex(word, FUTEX_WAIT_BITSET, expected, deadline) < 0 && errno != EAGAIN && errno != EINTR &&
        errno != ETIMEDOUT) {
        // Not nanosleep(3), which is a cancellation point.
        syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &pause_if_refused, nullptr);
    }
    errno = before;
}

inline void futex_wake_one(const std::atomic<std::uint32_t>& word) noexcept { futex(word, FUTEX_WAKE, 1); }
inline void futex_wake_all(const std::atomic<std::uint32_t>& word) noexcept {
    futex(word, FUTEX_WAKE, INT_MAX);
}

} // namespace memshare::abi
