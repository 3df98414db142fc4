// A mutex that a forked child can use, whatever its parent's threads were doing at the fork.
#pragma once

#include <chrono>
#include <mutex>

namespace memshare::client {

// A child has one thread only: a mutex that another thread of the parent held would stay locked in it for
// ever. So all of these are taken around a fork, which waits for calls that are under way, and are free on
// both sides after it. None may be made or destroyed while another one is held, as a fork takes the list of
// them first.
class ForkSafeMutex {
  public:
    ForkSafeMutex();
    ForkSafeMutex(const ForkSafeMutex&) = delete;
    ForkSafeMutex& operator=(const ForkSafeMutex&) = delete;
    ~ForkSafeMutex();

    void lock() { mutex_.lock(); }
    bool try_lock() { return mutex_.try_lock(); }
    bool try_lock_until(std::chrono::steady_clock::time_point time) {
#ifdef __SANITIZE_THREAD__ // that of g++ 12 does not know pthread_mutex_clocklock(3)
        while (!try_lock()) {
            if (std::chrono::steady_clock::now() >= time) {
                return false;
            }
        }
        return true;
#else
        return mutex_.try_lock_until(time);
#endif
    }
    void unlock() { mutex_.unlock(); }

  private:
    std::timed_mutex mutex_;
};

} // namespace memshare::client
