// Calls that hold the GIL, to a broker that may be away.
#pragma once

#include "client/python/src/gil.h"
#include <memshare/broker.hpp>
#include <memshare/error.hpp>

#include <algorithm>
#include <chrono>
#include <thread>

namespace memshare::python {

// No call takes longer with the GIL held, as nobody else runs Python meanwhile.
inline constexpr std::chrono::milliseconds longest_with_gil{1000};

inline bool is_away(const Error& error) {
    return error.code() == Errc::no_broker || error.code() == Errc::broker_lost;
}

// Calls attempt(), and again as long as the broker goes away in it, until as much time is over as a call may
// take. Others run in between, and signals are heard. Throws what the last one does; Told, if a signal ended
// it.
void patiently(auto attempt) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds part{50};
    const auto end = Clock::now() + Broker::local().timeout();
    for (auto limit = 2 * part;; limit = std::min(2 * limit, longest_with_gil)) {
        try {
            const CallLimit soon(limit);
            return attempt();
        } catch (const Error& error) {
            if (error.code() != Errc::broker_lost || Clock::now() + limit >= end) {
                throw;
            }
        }
        WithoutGil others_run;
        for (auto rest = limit; rest > std::chrono::milliseconds::zero(); rest -= part) {
            std::this_thread::sleep_for(part);
            if (!others_run.signals_are_quiet()) {
                throw Told();
            }
        }
    }
}

} // namespace memshare::python
