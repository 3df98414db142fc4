// The lock that comes with every segment, between threads and between processes.
#pragma once

#include <memshare/abi/lock_word.hpp>
#include <memshare/deadline.hpp>
#include <memshare/export.hpp>
#include <memshare/segment_info.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace memshare {

namespace detail {
class Attachment;
}

// A mutex of one segment: recursive, and usable with std::scoped_lock and std::unique_lock. It belongs to a
// thread of a process. If that process ends while it holds the lock, however it ends, the broker passes the
// lock on to the next one, which learns it from recovered(). A process that only waits for a lock harms
// nobody by its death.
//
// A forked child is a process of its own: what its parent has locked it has not, and unlocking that in the
// child does nothing. A process that becomes another program (exec) while it holds a lock still is that
// process, and keeps the lock until it ends. Two Brokers of one process are two holders, and wait for each
// other.
//
// Uncontended, neither locking nor unlocking calls the kernel or the broker. Only the first lock in a forked
// child calls the broker, and throws what such a call may throw; with a time limit it takes no longer than
// that, and if the broker does not answer in time the lock is not taken.
//
// A time that is past, negative or not a number (NaN) is over at once; one of more than a hundred years never
// is. No member is a cancellation point (pthread_cancel(3)): a thread that waits for a lock ends when it has
// it.
class MEMSHARE_EXPORT Mutex {
  public:
    // (Every segment brings its own: this is not for users.) All borrowed; `session` is the word that has
    // this process's holder id, and in a forked child 0.
    Mutex(abi::LockLine& line, const std::atomic<std::uint32_t>& session,
          detail::Attachment& attachment) noexcept
        : line_(line), session_(&session), attachment_(attachment) {}
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;
    ~Mutex() = default;

    // Waits for the lock. Error: frozen, if nobody can write to the segment any more.
    void lock() {
        if (!take_unused()) {
            static_cast<void>(taken_slowly(lock_slowly({})));
        }
    }

    // Takes the lock, unless another thread or process has it. Error: frozen.
    bool try_lock() { return take_unused() || taken_slowly(try_lock_slowly()); }

    // Waits for the lock, but no longer than that: whether it has it now. Error: frozen.
    template <typename Rep, typename Period>
    bool try_lock_for(const std::chrono::duration<Rep, Period>& time) {
        return take_unused() || taken_slowly(lock_slowly(detail::deadline_of(time)));
    }
    template <typename Clock, typename Duration>
    bool try_lock_until(const std::chrono::time_point<Clock, Duration>& time) {
        return take_unused() || taken_slowly(lock_slowly(detail::deadline_of(time)));
    }

    // Takes back one lock(). Throws a std::system_error of operation_not_permitted, if this thread does not
    // hold it.
    void unlock() {
        const std::uint32_t holder = this->holder();
        if (is_held_by(holder) && line_.depth.load(std::memory_order_relaxed) == 1) {
            line_.depth.store(0, std::memory_order_relaxed);
            line_.owner.store(0, std::memory_order_relaxed);
            abi::release(line_, holder);
        } else {
            unlock_slowly();
        }
    }

    // Whether this thread holds it. (tests/model/recursion.pml)
    bool is_held() const noexcept { return is_held_by(holder()); }

    // While this thread holds the lock: the process that died holding it, if one has and no holder has been
    // told yet; if several have, the last of them. That process may have left the data half changed. A lock
    // that is released before this is called keeps the mark for the next holder.
    //
    // Asks the broker, only if there is something to tell. If the broker does not answer within 500 ms, this
    // returns a DeadHolder of pid 0, which is not known, and the mark stays: a later call, by this holder or
    // the next, asks again. A broker that was started after the death does not know the holder either, and
    // never will: then the mark goes. Never throws for want of a broker.
    std::optional<DeadHolder> recovered() const;

  private:
    friend class detail::Attachment;

    // Whom the broker knows this process as, and passes on what it locks from; 0, if it does not.
    std::uint32_t holder() const noexcept {
        return session_.load(std::memory_order_acquire)->load(std::memory_order_relaxed);
    }

    bool is_held_by(std::uint32_t holder) const noexcept {
        const std::uint64_t self = owner_of(holder);
        return self != 0 && line_.owner.load(std::memory_order_relaxed) == self;
    }
    bool take_unused() noexcept {
        const std::uint32_t holder = this->holder();
        if (holder == 0 || thread_number_ == 0 || !abi::take_unused(line_, holder)) {
            return false;
        }
        own(holder);
        return true;
    }
    void own(std::uint32_t holder) noexcept {
        line_.owner.store(owner_of(holder), std::memory_order_relaxed);
        line_.depth.store(1, std::memory_order_relaxed);
    }

    // This thread, as no other one of any process is called: what it finds there it has written itself, so no
    // lock has to be held to look.
    static std::uint64_t owner_of(std::uint32_t holder) noexcept {
        return std::uint64_t{holder} << 32 | thread_number_;
    }

    // The slow path takes the lock inside the library. If only the program is compiled with the thread
    // sanitizer, the sanitizer does not see that. This load, compiled into the program, shows it the order.
    bool taken_slowly(bool taken) const noexcept {
        static_cast<void>(line_.word.load(std::memory_order_acquire));
        return taken;
    }

    bool get_ready(const detail::Deadline& deadline);
    bool lock_slowly(const detail::Deadline& deadline);
    bool try_lock_slowly();
    bool take_free(std::uint32_t& seen, std::uint32_t me, std::uint32_t waiting) noexcept;
    bool lock_again() noexcept;
    void unlock_slowly();

    // The number of the calling thread within its process, never used twice; 0 until it first takes a lock.
    static constinit thread_local std::uint32_t thread_number_ [[gnu::tls_model("initial-exec")]];

    abi::LockLine& line_;
    std::atomic<const std::atomic<std::uint32_t>*> session_;
    detail::Attachment& attachment_;
};

} // namespace memshare
