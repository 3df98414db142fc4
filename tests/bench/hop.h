// How long it takes from when one process tells another something until that one is awake and knows.
#pragma once

#include "tests/bench/child_process.h"
#include "tests/bench/machine.h"
#include "tests/bench/shared.h"

#include <benchmark/benchmark.h>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace memshare::bench {

// Who tells: this process its child, or the child this process. What is told is a number, each time the next.
enum class Way { there, back };

// What a hop looks like to the one that it wakes.
struct Hop {
    std::chrono::nanoseconds took{};
    bool slept = false;
};

// What both sides write down, each in its turn.
struct Hops {
    std::chrono::steady_clock::time_point told; // CLOCK_MONOTONIC, of all processes the same
    Hop there, back;
};

// How often this thread has gone to sleep by itself.
inline long times_slept() {
    rusage used{};
    getrusage(RUSAGE_THREAD, &used);
    return used.ru_nvcsw;
}

// Longer than anybody looks before it sleeps. Awake, so that this processor stays as fast as it is; but on
// the only one the other could not go to sleep meanwhile.
inline void let_it_fall_asleep(Setting setting) {
    constexpr std::chrono::microseconds pause{100};
    if (setting == Setting::one_core) {
        std::this_thread::sleep_for(pause);
        return;
    }
    const auto until = std::chrono::steady_clock::now() + pause;
    while (std::chrono::steady_clock::now() < until) {
    }
}

// One tells, and sleeps until it is told.
void take_turn(Hops& hops, Setting setting, auto tell, auto wait, Hop& woken) {
    let_it_fall_asleep(setting);
    const long before = times_slept();
    hops.told = std::chrono::steady_clock::now();
    tell();
    wait();
    woken.took = std::chrono::steady_clock::now() - hops.told;
    woken.slept = times_slept() > before;
}

// Starts the other side. A Signal is made in this process and has send(way, number), wait(way, number) and
// in_child(), which is what the child uses.
template <typename Signal> ChildProcess answering(Signal& signal, Setting setting, auto answer) {
    const Shared<Gate> ready;
    ChildProcess other([&] {
        auto&& there = [&]() -> decltype(auto) {
            const OnlyOn seen(seen_processors(setting));
            return signal.in_child();
        }();
        const OnlyOn its_own(server_processors(setting));
        ready->open();
        answer(there);
    });
    ready->pass();
    return other;
}

// To be given manual time: of the median of many hops, as a mean would say more of who disturbs them.
template <typename Signal> void measure_asleep(benchmark::State& state, Setting setting, Signal& signal) {
    const Shared<Hops> hops;
    const ChildProcess other = answering(signal, setting, [&](auto& there) {
        there.wait(Way::there, 1);
        for (std::uint64_t number = 1;; ++number) {
            take_turn(
                *hops, setting, [&] { there.send(Way::back, number); },
                [&] { there.wait(Way::there, number + 1); }, hops->there);
        }
    });
    const OnlyOn here(client_processors(setting));
    std::uint64_t number = 0;
    for ([[maybe_unused]] auto _ : state) {
        std::vector<std::chrono::duration<double>> times;
        for (int turns = 0; turns < 100 || times.empty(); ++turns) {
            ++number;
            take_turn(
                *hops, setting, [&] { signal.send(Way::there, number); },
                [&] { signal.wait(Way::back, number); }, hops->back);
            if (turns == 1000) {
                throw std::runtime_error("who is to be woken does not sleep");
            }
            for (const Hop& hop : {hops->there, hops->back}) {
                if (hop.slept) {
                    times.push_back(hop.took);
                }
            }
        }
        const auto median = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
        std::ranges::nth_element(times, median);
        state.SetIterationTime(median->count());
    }
}

// Per hop, where neither side lets the other wait.
template <typename Signal> void measure_awake(benchmark::State& state, Setting setting, Signal& signal) {
    const ChildProcess other = answering(signal, setting, [](auto& there) {
        for (std::uint64_t number = 1;; ++number) {
            there.wait(Way::there, number);
            there.send(Way::back, number);
        }
    });
    const OnlyOn here(client_processors(setting));
    std::uint64_t number = 0;
    while (state.KeepRunningBatch(2)) {
        ++number;
        signal.send(Way::there, number);
        signal.wait(Way::back, number);
    }
}

} // namespace memshare::bench
