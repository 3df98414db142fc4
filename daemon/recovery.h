// What a session leaves in memory that it could write: perhaps a lock that it held, perhaps a wake-up that it
// owed. It is made good here, so that nobody waits for the dead.
#pragma once

#include "daemon/memory.h"
#include "daemon/registry.h"

namespace memshare::daemon {

// Passes the lock on, if the session held it: whether it did. To be called when the session can touch the
// memory no more.
bool recover(const Segment& segment, HolderId dead);

// The same where the session's process lives on and owes nobody a wake-up: it has let go of the segment.
bool recover_lock(const Segment& segment, HolderId gone);

// From here on all changes of new memory are told, whether or not anybody is known to wait.
proto::Result<void> tell_all_changes(Memory& memory);

// Counts somebody who waits for changes but cannot write, so that all changes are told, or takes that back.
proto::Result<void> count_watcher(const Segment& segment, bool more);

} // namespace memshare::daemon
