// Measures the steps of the event loop: how long other clients wait for the handler that runs.
//
// A step is one handler that Asio calls; between two of them the loop can look at its sockets. The time that
// the thread waits for a processor belongs to the machine and not to the step; the time of a blocked system
// call belongs to the step.
#pragma once

#include "proto/fd.h"

#include <chrono>
#include <cstdint>

namespace memshare::daemon {

// Used by one thread.
class StepClock {
  public:
    using Clock = std::chrono::steady_clock;

    // From here on the handlers that this thread runs begin steps of this clock.
    StepClock();
    StepClock(const StepClock&) = delete; // the thread knows it
    StepClock& operator=(const StepClock&) = delete;
    ~StepClock();

    // Called by Asio's hook (see handler_hook.h); a handler inside a handler begins nothing.
    void begin();

    // The handler has returned. Without a begin() it does nothing.
    void end();

    // The longest step so far, which may include one millisecond of waiting for a processor, and the number
    // of steps of more than 5 ms.
    std::chrono::microseconds longest() const {
        return std::chrono::duration_cast<std::chrono::microseconds>(longest_);
    }
    std::uint64_t over_5_ms() const { return over_5_ms_; }

  private:
    // What the kernel says of this thread, ever.
    struct Seen {
        Clock::time_point at{};
        Clock::duration ran{}, waited{}; // on a processor, and for one
        long blocked = 0;                // how often it waited for anything else
    };
    Seen look() const;

    proto::Fd scheduler_; // what the kernel's scheduler says of this thread
    Clock::time_point began_{};
    Seen seen_; // at the last look
    Clock::duration longest_{};
    std::uint64_t over_5_ms_ = 0;
    bool inside_ = false;
};

} // namespace memshare::daemon
