// What a process may attach because it has it mapped from before: by a fork, or before it gave up privileges.
#pragma once

#include "daemon/registry.h"

namespace memshare::daemon {

// Whether this Attach proves that its caller inherited the segment, so that mode and owner do not decide. The
// proof is the token of a living session that has the segment attached with at least this access: memory that
// was passed on by fork(2) contains the token, and an executed program has no such memory. To be a child of
// the session's process proves nothing.
bool is_inherited(Registry& registry, const proto::Attach& call, Segment& segment);

} // namespace memshare::daemon
