// Which process may go on with a session on a new connection.
#pragma once

#include "daemon/registry.h"

namespace memshare::daemon {

// Whether the process of a new connection's session is the one that opened an earlier session. Its user may
// be another one by now, as a process can change that.
bool is_same_process(const Session& earlier, const Session& now);

} // namespace memshare::daemon
