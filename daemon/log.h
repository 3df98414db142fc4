// Where the daemon's log goes.
#pragma once

#include "daemon/report.h"

namespace memshare::daemon {

// To the journal if stderr is the journal's, else to stderr, in colour on a terminal.
void start_log(const std::string& level);
void set_log_level(const std::string& level);

// An entry; in the journal with fields that tell what it is about. (systemd.journal-fields(7))
void log(const Report& report);

} // namespace memshare::daemon
