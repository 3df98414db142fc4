// The lock: one word that says who holds it, and each step that anybody may take on it.
//
// It is not a pthread_mutex_t. Those know their holder by a thread id, which two processes in different PID
// namespaces can share, and trust pointers that any writer of the memory could aim. Here a lock is held by a
// holder id, which the broker gives to one session only, and when that session ends the broker passes the
// lock on. A waiter leaves nothing behind but a bit that costs one idle wake-up.
//
// The died bit belongs to the data, not to the holder: the broker sets it, every holder that asks nothing
// passes it on, and only a holder that has been told who died clears it. A word of the died bit alone is
// free. (Version 1 of the layout has always had such words. Libraries older than this rule clear the bit by
// any release, so one of them may keep the next holder from learning of a death; nothing else goes wrong.)
//
// tests/model/lock.pml is the same in Promela, checked with a kill at every step. The names after "model:"
// are its labels, and the labels there name these functions.
#pragma once

#include <memshare/abi/futex.hpp>
#include <memshare/abi/layout.hpp>

namespace memshare::abi {

inline constexpr std::uint32_t holder_bits = (std::uint32_t{1} << 30) - 1;
inline constexpr std::uint32_t died_bit = std::uint32_t{1} << 30; // a holder died, and nobody has asked who
inline constexpr std::uint32_t waiting_bit = std::uint32_t{1} << 31; // somebody may sleep on the word

// 0: nobody holds it.
constexpr std::uint32_t holder_of(std::uint32_t word) noexcept { return word & holder_bits; }

// The usual case: takes a lock that is free and that nobody waits for. (model: take_unused)
inline bool take_unused(LockLine& lock, std::uint32_t holder) noexcept {
    std::uint32_t unused = 0;
    return lock.word.compare_exchange_strong(unused, holder, std::memory_order_acquire,
                                             std::memory_order_relaxed);
}

// Takes a lock that was seen free. Both bits of the word stay: that a holder died, from which the new holder
// learns it, and that somebody waits. A taker that has slept adds the waiting bit, as others may sleep still.
// If it fails, `seen` is what the word is now. (model: take_free)
inline bool take_free(LockLine& lock, std::uint32_t& seen, std::uint32_t holder,
                      std::uint32_t waiting) noexcept {
    return lock.word.compare_exchange_strong(seen, seen | holder | waiting, std::memory_order_acquire,
                                             std::memory_order_relaxed);
}

// Says on a lock that was seen held that somebody is about to sleep: from then on whoever releases it wakes
// one. If it fails, `seen` is what the word is now. (model: mark_waiting)
inline bool mark_waiting(LockLine& lock, std::uint32_t& seen) noexcept {
    if ((seen & waiting_bit) != 0) {
        return true;
    }
    if (!lock.word.compare_exchange_strong(seen, seen | waiting_bit, std::memory_order_relaxed,
                                           std::memory_order_relaxed)) {
        return false;
    }
    seen |= waiting_bit;
    return true;
}

// Releases a lock that the caller holds, and then wakes one sleeper. The died bit stays on the free word
// until a holder has cleared it: a release says nothing about whether anybody has asked who died. A lock that
// the broker has meanwhile passed on to another holder is left alone. (model: release)
inline void release(LockLine& lock, std::uint32_t holder) noexcept {
    std::uint32_t seen = holder;
    while (!lock.word.compare_exchange_strong(seen, seen & died_bit, std::memory_order_release,
                                              std::memory_order_relaxed)) {
        if (holder_of(seen) != holder) {
            return;
        }
    }
    if ((seen & waiting_bit) != 0) {
        futex_wake_one(lock.word);
    }
}

// Clears the died bit, by the holder of the lock, once the holder has learned who died. (model: clear_died)
inline void clear_died(LockLine& lock) noexcept { lock.word.fetch_and(~died_bit, std::memory_order_relaxed); }

// What the broker does for each segment that a session could write, once none of its instructions runs any
// more: passes the lock on, if the session held it, and in every case wakes one, as it may have died between
// releasing and waking, or between being woken and taking. Whether it held the lock. (model: recover)
inline bool recover(LockLine& lock, std::uint32_t dead) noexcept {
    bool held = false;
    std::uint32_t seen = lock.word.load(std::memory_order_acquire);
    while (!held && holder_of(seen) == dead) {
        lock.owner.store(0, std::memory_order_relaxed);
        lock.depth.store(0, std::memory_order_relaxed);
        held = lock.word.compare_exchange_weak(seen, died_bit | (seen & waiting_bit),
                                               std::memory_order_acq_rel, std::memory_order_acquire);
    }
    if (held) {
        lock.recoveries.fetch_add(1, std::memory_order_relaxed);
    }
    futex_wake_one(lock.word);
    return held;
}

} // namespace memshare::abi
