// How much memory this process can still take.
#pragma once

#include "proto/error.h"

#include <cstdint>

namespace memshare::client {

// In bytes, at this moment: what the kernel has available, in memory and swap, and no more than the memory
// cgroups of this process, of either version, let it take. An error, if any of that is not known, as what
// cannot be read limits nobody less: /proc or /sys/fs/cgroup is not mounted, or closed to this process.
proto::Result<std::uint64_t> available_memory();

} // namespace memshare::client
