#include "daemon/loop.h"

#include <sched.h>

#include <chrono>

namespace memshare::daemon {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::microseconds longest_look{50};

// A sleep shorter than this was not worth it: the look, and the two wake-ups that it would have saved.
constexpr std::chrono::microseconds short_sleep{150};

// What there is to do after the first call of a client that has its turn at once; see Turns.
constexpr std::size_t left_by_a_call = 1;

bool has_several_processors() {
    cpu_set_t allowed;
    return sched_getaffinity(0, sizeof(allowed), &allowed) == 0 && CPU_COUNT(&allowed) > 1;
}

// Runs the handlers that are ready, and returns how many there were.
std::size_t poll(asio::io_context& loop, StepClock& steps) {
    std::size_t handlers = 0;
    while (loop.poll_one() > 0) {
        steps.end();
        ++handlers;
    }
    return handlers;
}

void look_for_more(asio::io_context& loop, StepClock& steps) {
    for (auto until = Clock::now() + longest_look; Clock::now() < until;) {
        if (poll(loop, steps) > 0) {
            until = Clock::now() + longest_look;
        }
    }
}

} // namespace

void run(asio::io_context& loop, StepClock& steps) {
    if (!has_several_processors()) {
        while (loop.run_one() > 0) {
            steps.end();
        }
        return;
    }
    bool pays = false;
    while (!loop.stopped()) {
        if (pays) {
            look_for_more(loop, steps);
        } else if (poll(loop, steps) > left_by_a_call) { // somebody has come before it slept
            pays = true;
            continue;
        }
        const auto asleep = Clock::now();
        loop.run_one();
        steps.end();
        pays = Clock::now() - asleep < short_sleep;
    }
}

} // namespace memshare::daemon
