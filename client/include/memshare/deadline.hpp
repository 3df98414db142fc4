// When a wait of a given length ends.
#pragma once

#include <chrono>
#include <optional>

namespace memshare::detail {

using Deadline = std::optional<std::chrono::steady_clock::time_point>; // nothing: never

// A number of any kind times a unit of any size, as an integer would overflow. (Where a long double has 64
// bits of mantissa it holds every number of nanoseconds up to 584 years exactly.)
template <typename Rep, typename Period>
long double nanoseconds_of(const std::chrono::duration<Rep, Period>& time) {
    constexpr long double unit = static_cast<long double>(Period::num) * 1e9L / Period::den;
    return static_cast<long double>(time.count()) * unit;
}

// After more than a hundred years: never. A negative time is over at once, and so is one that is not a
// number.
inline Deadline deadline_after(long double nanoseconds) {
    constexpr long double hundred_years = 1e9L * 3600 * 24 * 36525;
    if (nanoseconds >= hundred_years) {
        return {};
    }
    if (!(nanoseconds > 0)) {
        return std::chrono::steady_clock::time_point{};
    }
    using Steady = std::chrono::steady_clock;
    const std::chrono::duration<long double, std::nano> time(nanoseconds);
    return Steady::now() + std::chrono::ceil<Steady::duration>(time);
}

template <typename Rep, typename Period>
Deadline deadline_of(const std::chrono::duration<Rep, Period>& time) {
    return deadline_after(nanoseconds_of(time));
}

// A time of another clock is translated once: if that clock is set meanwhile, the wait does not change.
template <typename Clock, typename Duration>
Deadline deadline_of(const std::chrono::time_point<Clock, Duration>& time) {
    return deadline_after(nanoseconds_of(time.time_since_epoch()) -
                          nanoseconds_of(Clock::now().time_since_epoch()));
}

} // namespace memshare::detail
