// What a session leaves in memory that it could write: perhaps a lock that it held, perhaps a wake-up that it
// owed. It is made good here, so that nobody waits for the dead.
//
// The header's page is mapped for it and touched, which can take as long as somebody who can write there
// likes: so all of this but holds_lock() is for a thread that nobody waits for.
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
    bool exclusive_writer = false; // nobody else can write there, nor we
};

// Whether the session has the lock now. Waits for nobody, and allocates nothing.
bool holds_lock(const Memory& memory, HolderId session);

// Passes the lock on, if the session held it, and has everybody who waits look again. To be called when the
// session can touch the memory no more. An error, if the memory cannot be mapped.
proto::Result<void> recover(const Remains& remains, HolderId dead);

// The lock alone: for a session whose process lives on, and owes nobody a wake-up.
proto::Result<void> recover_lock(const Remains& remains, HolderId gone);

// From here on all changes of new memory are told, whether or not anybody is known to wait.
proto::Result<void> tell_all_changes(Memory& memory);

// Counts somebody who waits for changes but cannot write, so that all changes are told, or takes that back.
proto::Result<void> count_watcher(const Remains& remains, bool more);

} // namespace memshare::daemon
