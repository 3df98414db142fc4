// The seals that this process adds to memory that it has: the broker adds none, as that could make it wait.
#pragma once

#include "proto/fd.h"

namespace memshare::client {

// No process can write to it from now on. The descriptor is open for writing. False, if a process has the
// memory mapped for writing. Throws Error, if the memory takes no such seal.
bool seal_against_writing(const proto::Fd& memory);

// Only a process that has it mapped for writing already can write to it from now on. Throws Error.
void seal_against_new_writers(const proto::Fd& memory);

} // namespace memshare::client
