#include "client/src/fork_safe_mutex.h"

#include <algorithm>
#include <new>
#include <vector>

namespace memshare::client {

// Never destroyed: a program can fork after its static objects are gone.
class AllMutexes {
  public:
    static AllMutexes& instance() {
        static AllMutexes& all = *new AllMutexes();
        return all;
    }

    void add(ForkSafeMutex* fresh) {
        lock();
        mutexes_.push_back(fresh);
        unlock();
    }
    void remove(ForkSafeMutex* old) {
        lock();
        std::erase(mutexes_, old);
        unlock();
    }

    // A fork in a signal handler may find that its own thread has the list, or is in a fork already.
    void before_fork() {
        if (owner_ == pthread_self() && depth_ == 0) {
            ++skipped_;
            return;
        }
        if (owner_ != pthread_self()) {
            lock();
        }
        ++depth_;
        for (ForkSafeMutex* one : mutexes_) {
            const bool is_ours = one->fork_ != 0 || (one->is_held_here() && one->is_inside_);
            if (!is_ours) {
                one->state_.lock();
                one->fork_ = depth_;
            }
        }
    }
    void after_fork_in_parent() {
        after_fork([](ForkSafeMutex& /*one*/) {});
    }
    void after_fork_in_child() {
        after_fork([](ForkSafeMutex& one) { one.be_free_in_a_child(); });
    }

  private:
    void lock() {
        mutex_.lock();
        owner_ = pthread_self();
    }
    void unlock() {
        owner_ = pthread_t{};
        mutex_.unlock();
    }

    void after_fork(auto then) {
        if (skipped_ > 0) {
            --skipped_;
            return;
        }
        for (ForkSafeMutex* one : mutexes_) {
            if (one->fork_ == depth_) {
                one->fork_ = 0;
                then(*one);
                one->state_.unlock();
            }
        }
        if (--depth_ == 0) {
            unlock();
        }
    }

    std::mutex mutex_;
    std::atomic<pthread_t> owner_{};
    std::vector<ForkSafeMutex*> mutexes_;
    unsigned depth_ = 0;   // of forks within forks
    unsigned skipped_ = 0; // forks of a thread that was changing the list
};

namespace {

void before_fork() { AllMutexes::instance().before_fork(); }
void after_fork_in_parent() { AllMutexes::instance().after_fork_in_parent(); }
void after_fork_in_child() { AllMutexes::instance().after_fork_in_child(); }

} // namespace

ForkSafeMutex::ForkSafeMutex() {
    static const int registered = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    static_cast<void>(registered); // it fails only for want of memory, at the first connection of a process
    AllMutexes::instance().add(this);
}

ForkSafeMutex::~ForkSafeMutex() { AllMutexes::instance().remove(this); }

bool ForkSafeMutex::try_lock_until(std::chrono::steady_clock::time_point time) {
#ifdef __SANITIZE_THREAD__ // that of g++ 12 does not know pthread_mutex_clocklock(3)
    while (!turn_.try_lock()) {
        if (std::chrono::steady_clock::now() >= time) {
            return false;
        }
    }
#else
    if (!turn_.try_lock_until(time)) {
        return false;
    }
#endif
    take_state();
    return true;
}

void ForkSafeMutex::unlock() {
    leave_state();
    owner_.store({}, std::memory_order_relaxed);
    turn_.unlock();
}

void ForkSafeMutex::take_state() {
    owner_.store(pthread_self(), std::memory_order_relaxed);
    is_inside_ = true;
    state_.lock();
}

// A signal handler that forks in the middle of these finds is_inside_ set, and leaves the mutex alone.
void ForkSafeMutex::leave_state() {
    state_.unlock();
    is_inside_ = false;
}

// A thread of the parent's that had the turn does not exist here; this thread keeps its own turn.
void ForkSafeMutex::be_free_in_a_child() {
    if (owner_.load(std::memory_order_relaxed) != pthread_t{} && !is_held_here()) {
        owner_.store({}, std::memory_order_relaxed);
    }
    if (!is_held_here()) {
        new (&turn_) std::timed_mutex();
    }
}

} // namespace memshare::client
