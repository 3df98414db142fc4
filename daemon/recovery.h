// Mends what a session leaves in memory that it could write: a lock that it held, a wake-up that it owed. So
// no process waits for a dead one.
//
// All of this but holds_lock() maps and touches the header's page, which a writer of the segment can make
// last as long as it likes: so it is work for a Worker.
#pragma once

#include "daemon/memory.h"

#include <cstdint>
#include <memory>

namespace memshare::daemon {

using HolderId = std::uint32_t; // 1 to 2^30 - 1: what a lock word can hold

// A segment's memory, and what it takes to know of it.
struct Remains {
    std::shared_ptr<const Memory> memory;
    bool counts_changes = false;   // its version is a count, as it is not for a value of two slots
    bool exclusive_writer = false; // no other process can write there, nor the daemon once it is sealed
};

// Whether the session has the lock now. Waits for nobody, and allocates nothing.
bool holds_lock(const Memory& memory, HolderId session);

// Passes the lock on, if the session held it, and has all waiters look again. To be called when the session
// can touch the memory no more. An error, if the memory cannot be mapped, or if a client has sealed it, so
// that a lock that the session held stays held.
proto::Result<void> recover(const Remains& remains, HolderId dead);

// The lock alone: for a session whose process lives on, and owes nobody a wake-up.
proto::Result<void> recover_lock(const Remains& remains, HolderId gone);

// Says in the header how many attachments wait for changes and cannot write: if any does, each change is
// told. In sealed memory it does nothing: then no new writer comes, and waiters look by themselves once a
// second.
proto::Result<void> set_watchers(const Remains& remains, std::uint32_t count);

} // namespace memshare::daemon
