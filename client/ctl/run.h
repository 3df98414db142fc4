// A private broker for as long as one command runs, as dbus-run-session does for a bus.
#pragma once

#include <string>
#include <vector>

namespace memshare::ctl {

// Starts `daemon` (empty: memshared from beside this program, else from the PATH) and the command, with
// MEMSHARE_SOCKET set for it, and ends the daemon after the command. Signals that would end this process are
// passed on to the command. Returns the command's exit code, or 128 and the number of the signal that ended
// it. Throws std::system_error or std::runtime_error if one of the two cannot be started.
int run_with_private_broker(const std::vector<std::string>& command, const std::string& daemon);

} // namespace memshare::ctl
