// Standard output and standard error: no byte is lost without an error.
#pragma once

#include <string_view>

namespace memshare::ctl {

// Opens each of the descriptors 0, 1 and 2 that is closed, so that no socket of ours gets its number and is
// written into by mistake. Reading and writing still fail with EBADF, and a program that is executed finds
// the descriptors closed, as they were.
void reserve_standard_descriptors();

// Writes to standard output at once. Throws std::system_error; a reader that is gone ends this process by
// SIGPIPE, unless that is ignored.
void print(std::string_view text);

// Closes standard output if anything was printed: some file systems report a full disk or an exceeded quota
// only then. Throws std::system_error.
void finish_output();

// Writes "memsharectl: " and a sentence to standard error, with escapes for what a terminal should not be
// sent. Never fails, and never ends this process: the work goes on where nobody reads the errors.
void complain(std::string_view sentence);

} // namespace memshare::ctl
