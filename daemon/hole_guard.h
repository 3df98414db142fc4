// Keeps a hole in somebody's memory from ending the daemon.
//
// Whoever can write to a segment can take pages out of it again, also after we have looked and before we
// touch them. The kernel fills such a hole; but where it has no page left, as the pool of huge pages is
// empty, it sends SIGBUS. Then this thread goes on with zeros of its own there: what it does to them harms
// nobody, and who made the hole has lost what was in it anyway.
//
// (The idea of a handler that maps something else in place is systemd's sigbus.c.)
#pragma once

#include <cstddef>
#include <span>

namespace memshare::daemon {

class HoleGuard {
  public:
    // Guards all of a mapping, which outlives it, against what this thread does. One at a time in a thread.
    explicit HoleGuard(std::span<std::byte> mapping);
    HoleGuard(const HoleGuard&) = delete;
    HoleGuard& operator=(const HoleGuard&) = delete;
    ~HoleGuard();
};

} // namespace memshare::daemon
