// Takes all pages of a new segment at once, on this process's account.
#pragma once

#include "proto/huge_pages.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace memshare::client {

// Whether so many bytes of ordinary pages can be had at this moment. To be asked before anything is made that
// would need them. Throws Error: out_of_memory, also if how much there is cannot be told.
void expect_room_for(std::uint64_t size);

// Of memory that is mapped for writing, from its first byte on, and that this descriptor names. Throws Error:
// out_of_memory; some of it may be taken by then, and is until the memory is gone.
void reserve(std::span<std::byte> memory, int fd, proto::HugePages pages);

} // namespace memshare::client
