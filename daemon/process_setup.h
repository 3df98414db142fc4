// What the daemon arranges for its own process before it serves anybody.
#pragma once

#include <cstdint>

namespace memshare::daemon {

// A write to a pipe that nobody reads, and one beyond the limit of a file's size, is an error from here on,
// and no signal that ends the process. Signals that the starting process has blocked come again.
void arrange_signals();

// Raises each soft limit to the hard one. Returns how many descriptors can be open then.
std::uint64_t raise_limits();

// Each time that a process outgrows its table of descriptors the kernel doubles the table, and has the
// process wait some 10 ms for that, if there are threads. So the table is made large before there are any: it
// takes 8 bytes for each descriptor.
void enlarge_descriptor_table(std::uint64_t can_be_open);

// Freed memory is joined with its neighbours at once, and kept: the allocator would do both at some later
// time for all that has been freed since, tens of megabytes when a session with many segments has ended, and
// that takes 5 to 10 ms.
void have_memory_freed_in_small_steps();

} // namespace memshare::daemon
