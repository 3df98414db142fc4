// Where the daemon's log goes.
#pragma once

#include "daemon/report.h"

namespace memshare::daemon {

// To the journal if stderr is the journal's, else to stderr, in colour on a terminal.
void start_log(const std::string& level);
void set_log_level(const std::string& level);

// Waits until all entries are written, but no longer than a moment; false, if some are not. Then a thread
// still writes to stderr, and exit(3) would wait for that. At the end: no entry comes after it.
bool finish_log();

// An entry; in the journal with fields that tell what it is about. (systemd.journal-fields(7))
// None of these waits for the log's reader: what is too much is dropped, and counted. Of entries about one
// user's processes only some are written, and how many were not.
void log(const Report& report);

} // namespace memshare::daemon
