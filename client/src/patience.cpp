#include "client/src/patience.h"

#include <sched.h>

#include <algorithm>

namespace memshare::client {
namespace {

bool has_several_processors() {
    cpu_set_t allowed;
    return sched_getaffinity(0, sizeof(allowed), &allowed) == 0 && CPU_COUNT(&allowed) > 1;
}

// Tells the processor that this is a loop that waits.
void rest() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb"); // `yield` does nothing on most of them
#endif
}

} // namespace

std::chrono::microseconds Patience::next() {
    if (processors_ == Processors::not_known) {
        processors_ = has_several_processors() ? Processors::several : Processors::one;
    }
    const int call = calls_.fetch_add(1, std::memory_order_relaxed) + 1;
    const bool look = processors_ == Processors::several &&
                      (in_vain_.load(std::memory_order_relaxed) < vain_looks || call % calls_between == 0);
    return look ? longest_ : std::chrono::microseconds::zero();
}

void Patience::learn(bool came) {
    const int before = in_vain_.load(std::memory_order_relaxed);
    in_vain_.store(came ? 0 : std::min(before + 1, vain_looks), std::memory_order_relaxed);
}

Spin::~Spin() {
    if (looks_ > 0) {
        patience_.learn(!in_vain_);
    }
}

bool Spin::goes_on() {
    constexpr unsigned looks_a_clock = 8; // the clock takes longer than a look
    if (in_vain_ || look_.count() == 0) {
        return false;
    }
    for (unsigned rests = 0; rests < rests_; ++rests) {
        rest();
    }
    rests_ = std::min(2 * rests_, most_rests_);
    if (looks_++ % looks_a_clock == 0) {
        const auto now = Clock::now();
        if (looks_ == 1) {
            until_ = now + look_;
        }
        in_vain_ = now >= until_;
    }
    return !in_vain_;
}

timespec as_timespec(std::chrono::steady_clock::time_point time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    return {.tv_sec = seconds.time_since_epoch().count(),
            .tv_nsec = std::chrono::nanoseconds(time - seconds).count()};
}

} // namespace memshare::client
