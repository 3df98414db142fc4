// Where the daemon's log goes.
#pragma once

#include <string>

namespace memshare::daemon {

// To the journal if stderr is the journal's, else to stderr, in colour on a terminal.
void start_log(const std::string& level);
void set_log_level(const std::string& level);

} // namespace memshare::daemon
