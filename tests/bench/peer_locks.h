// The locks that others have for processes that share memory. They lie in it as they are.
#pragma once

#include "proto/abi/futex.hpp"

#include <pthread.h>

#include <atomic>
#include <stdexcept>

namespace memshare::bench {

// The least of all: U. Drepper, "Futexes are tricky". 0 is free, 1 taken, 2 taken and somebody may sleep.
class FutexLock {
  public:
    void lock() {
        std::uint32_t seen = 0;
        if (!word_.compare_exchange_strong(seen, 1, std::memory_order_acquire, std::memory_order_relaxed)) {
            lock_slowly(seen);
        }
    }
    void unlock() {
        if (word_.exchange(0, std::memory_order_release) == 2) {
            abi::futex_wake_one(word_);
        }
    }

  private:
    [[gnu::noinline]] void lock_slowly(std::uint32_t seen) {
        if (seen != 2) {
            seen = word_.exchange(2, std::memory_order_acquire);
        }
        while (seen != 0) {
            abi::futex_wait(word_, 2, nullptr);
            seen = word_.exchange(2, std::memory_order_acquire);
        }
    }

    std::atomic<std::uint32_t> word_ = 0;
};

// The C library's, as a plain one or as what promises the same as memshare's: the death of its holder does
// not lock it for ever, and a thread may take it twice.
enum class PthreadKind { plain, robust_recursive };

template <PthreadKind kind> class PthreadLock {
  public:
    PthreadLock() {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
        if constexpr (kind == PthreadKind::robust_recursive) {
            pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
            pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
        }
        if (pthread_mutex_init(&mutex_, &attributes) != 0) {
            throw std::runtime_error("cannot make a pthread mutex");
        }
        pthread_mutexattr_destroy(&attributes);
    }
    PthreadLock(const PthreadLock&) = delete;
    PthreadLock& operator=(const PthreadLock&) = delete;
    ~PthreadLock() { pthread_mutex_destroy(&mutex_); }

    void lock() { pthread_mutex_lock(&mutex_); }
    void unlock() { pthread_mutex_unlock(&mutex_); }

  private:
    pthread_mutex_t mutex_{};
};

} // namespace memshare::bench
