// Wakes a thread that waits for work, without ever waiting itself.
#pragma once

#include <semaphore.h>
#include <time.h>

#include <cerrno>
#include <chrono>

namespace memshare::daemon {

// A semaphore of POSIX. A condition variable is none: to notify one can wait until a thread that was woken
// earlier has run, and under load the kernel may not let it run for milliseconds. (glibc 2.36,
// pthread_cond_signal)
class WakeUp {
  public:
    WakeUp() { sem_init(&calls_, 0, 0); }
    WakeUp(const WakeUp&) = delete;
    WakeUp& operator=(const WakeUp&) = delete;
    ~WakeUp() { sem_destroy(&calls_); }

    // One thread that waits goes on, or the next one that comes to wait.
    void call() { sem_post(&calls_); }

    void wait() {
        while (sem_wait(&calls_) != 0 && errno == EINTR) {
        }
    }

    // False, if no call came in this time.
    bool wait_for(std::chrono::seconds time) {
        timespec until{};
        static_cast<void>(clock_gettime(CLOCK_MONOTONIC, &until));
        until.tv_sec += time.count();
        int result = 0;
        do {
            result = sem_clockwait(&calls_, CLOCK_MONOTONIC, &until);
        } while (result != 0 && errno == EINTR);
        return result == 0;
    }

  private:
    sem_t calls_{};
};

} // namespace memshare::daemon
