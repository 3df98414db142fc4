// How much memory this process can still take.
#pragma once

#include <cstdint>

namespace memshare::client {

// In bytes, at this moment: what the kernel has available, in memory and swap, and no more than the memory
// cgroups of this process, of either version, let it take. An estimate that rather says too much, as what
// cannot be read limits nothing.
std::uint64_t available_memory();

} // namespace memshare::client
