// Calls to a broker that may be away or hang, which must not stop the interpreter.
#pragma once

#include "client/python/src/gil.h"
#include <memshare/broker.hpp>
#include <memshare/error.hpp>
#include <memshare/mutex.hpp>

#include <algorithm>
#include <chrono>
#include <thread>

namespace memshare::python {

// No call takes longer with the GIL held, as nobody else runs Python meanwhile.
inline constexpr std::chrono::milliseconds longest_with_gil{200};

// No call takes longer without the GIL, and is made again: signals are heard in between.
inline constexpr std::chrono::milliseconds longest_without_gil{1000};

// So long a fork waits for the broker before it, and its child after it.
inline constexpr std::chrono::milliseconds longest_at_fork{500};

inline bool is_away(const Error& error) {
    return error.code() == Errc::no_broker || error.code() == Errc::broker_lost;
}

// When an operation that may take so long has to be over; none: as long as a call to the broker may take.
inline std::chrono::steady_clock::time_point end_of(const detail::Deadline& deadline) {
    const auto longest = std::chrono::steady_clock::now() + Broker::local().timeout();
    return std::min(deadline.value_or(longest), longest);
}

// Whether signal handlers run between calls. Not within a fork: what they raise would be lost.
enum class Signals { heard, deferred };

// Pauses without the GIL. Throws Told, if a signal handler has raised something.
void pause_between_calls(std::chrono::milliseconds length, Signals signals);

// Calls attempt(), with the GIL held, and again as long as the broker goes away in it, until the deadline is
// over or as much time as a call may take. Others run in between, and signals are heard. Throws what the last
// one does; Told, if a signal ended it.
void patiently(auto attempt, const detail::Deadline& deadline = {}, Signals signals = Signals::heard) {
    using Clock = std::chrono::steady_clock;
    const auto end = end_of(deadline);
    for (auto limit = longest_with_gil / 2;; limit = std::min(2 * limit, longest_with_gil)) {
        try {
            const CallLimit soon(limit);
            return attempt();
        } catch (const Error& error) {
            if (error.code() != Errc::broker_lost || Clock::now() + limit >= end) {
                throw;
            }
        }
        pause_between_calls(limit, signals);
    }
}

// The same without the GIL, for what other threads may disturb.
void patiently_without_gil(auto attempt, const detail::Deadline& deadline = {}) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds shortest{1};
    const auto end = end_of(deadline);
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        try {
            const WithoutGil others_run;
            const CallLimit limit(std::clamp(left, shortest, longest_without_gil));
            return attempt();
        } catch (const Error& error) {
            if (error.code() != Errc::broker_lost || Clock::now() >= end) {
                throw;
            }
        }
        pause_between_calls(shortest, Signals::heard);
    }
}

} // namespace memshare::python
