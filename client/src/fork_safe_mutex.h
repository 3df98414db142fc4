// A mutex that a forked child can use, whatever its parent's threads were doing at the fork.
#pragma once

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <mutex>

namespace memshare::client {

// A child has one thread only: a mutex that another thread of the parent held would stay locked in the child
// for ever. So a fork takes all of these, which waits until no thread changes what they guard. A thread that
// waits for something outside the process, as for a broker's answer, says so with Outside: forks do not wait
// for that, and the child finds the mutex free and what it guards as the waiting thread left it. A fork in a
// signal handler leaves alone what the interrupted thread itself holds. None may be made or destroyed while
// another one is held, as a fork takes the list of them first.
class ForkSafeMutex {
  public:
    ForkSafeMutex();
    ForkSafeMutex(const ForkSafeMutex&) = delete;
    ForkSafeMutex& operator=(const ForkSafeMutex&) = delete;
    ~ForkSafeMutex();

    void lock() {
        turn_.lock();
        take_state();
    }
    bool try_lock() {
        if (!turn_.try_lock()) {
            return false;
        }
        take_state();
        return true;
    }
    bool try_lock_until(std::chrono::steady_clock::time_point time);
    void unlock();

    // Whether this thread holds it: to lock it once more, in a signal handler, would never end.
    bool is_held_here() const { return owner_.load(std::memory_order_relaxed) == pthread_self(); }

    // For its holder: as long as this lives it touches nothing that the mutex guards, and forks need not
    // wait.
    class Outside {
      public:
        explicit Outside(ForkSafeMutex& mutex) : mutex_(mutex) { mutex_.leave_state(); }
        Outside(const Outside&) = delete;
        Outside& operator=(const Outside&) = delete;
        ~Outside() { mutex_.take_state(); }

      private:
        ForkSafeMutex& mutex_;
    };

  private:
    friend class AllMutexes;

    void take_state();
    void leave_state();
    void be_free_in_a_child();

    std::timed_mutex turn_; // of one thread at a time
    std::mutex state_; // of the thread that has the turn, while it may change what this guards; and of forks
    std::atomic<pthread_t> owner_{};      // of the turn
    std::atomic<bool> is_inside_ = false; // the owner has state_
    unsigned fork_ = 0;                   // the depth of the fork that has state_; 0: none
};

} // namespace memshare::client
