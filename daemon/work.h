// Work on clients' memory, for a thread that no client waits for.
#pragma once

#include <cstdint>
#include <functional>

namespace memshare::daemon {

// Locks of dead holders and counts of waiters come before wake-ups, which sleepers do not depend on.
enum class Priority { urgent, background };

// Runs on the loop after the work; may be empty. It is also destroyed there: it may own charges and records.
using Completion = std::move_only_function<void()>;

// One piece of work on one segment's memory. The kernel may make it wait as long as a writer of that segment
// likes, for instance while the writer punches a hole there.
struct Work {
    std::uint32_t uid = 0;        // the segment's owner
    const void* memory = nullptr; // two pieces of work on the same memory are done in their order, one by one
    Priority priority{};
    std::move_only_function<Completion()> run;
};

using Executor = std::function<void(Work)>;

} // namespace memshare::daemon
