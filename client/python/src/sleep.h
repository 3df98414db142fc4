// Sleeping until something has come of a segment, while Python hears its signals and runs its other threads.
#pragma once

#include "client/python/src/patience.h"
#include "client/python/src/segment_object.h"

#include <algorithm>
#include <chrono>

namespace memshare::python {

// Of a number of seconds, or None. Throws Told.
detail::Deadline deadline_of(PyObject* timeout);

// How long it sleeps before it lets Python hear its signals.
inline constexpr std::chrono::milliseconds between_signals{50};

// Says that a thread sleeps in a segment's memory, so that nobody takes it away (freeze).
class Sleeper {
  public:
    explicit Sleeper(SegmentObject& where) noexcept : where_(where) { ++where_.sleepers; }
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;
    ~Sleeper() { where_.sleepers -= where_.sleepers > 0 ? 1 : 0; } // a signal handler may have forked

  private:
    SegmentObject& where_;
};

// Whether an operation has no time left, and its own time was shorter than a call to the broker may take.
// Then the broker's absence is no error of it: in its time nothing has come.
inline bool is_over(const Error& error, const detail::Deadline& deadline) {
    return is_away(error) && deadline && std::chrono::steady_clock::now() >= *deadline;
}

// Sleeps in parts, each by came_until(time), until it has come or the deadline: whether it has come. Asleep
// without the GIL a segment must not be this process's alone. Throws Told, if a signal ended it; Error.
bool sleep(SegmentObject& self, const detail::Deadline& deadline, auto came_until) {
    try {
        share(self, deadline);
    } catch (const Error& error) {
        if (!is_over(error, deadline)) {
            throw;
        }
        return false;
    }
    const Sleeper asleep(self);
    WithoutGil others_run;
    while (true) {
        const auto now = std::chrono::steady_clock::now();
        const auto next = now + between_signals;
        const bool is_last = deadline && *deadline <= next;
        if (came_until(is_last ? *deadline : next)) {
            return true;
        }
        if (!others_run.signals_are_quiet()) {
            throw Told();
        }
        if (is_last) {
            return false;
        }
    }
}

} // namespace memshare::python
