// How much memory the machine and the cgroups of this process let it use.
#pragma once

#include "proto/error.h"

#include <cstdint>
#include <string>

namespace memshare::daemon {

// The least of the machine's memory and the limits of the memory cgroups of this process, of either version,
// and of all that they lie in; in bytes. Where there is no such limit it is the machine's. An error, if what
// the kernel says cannot be read: then nobody knows.
//
// The folders are those of the kernel; a test has its own.
proto::Result<std::uint64_t> usable_memory(const std::string& cgroups = "/sys/fs/cgroup",
                                           const std::string& own_cgroups = "/proc/self/cgroup");

} // namespace memshare::daemon
