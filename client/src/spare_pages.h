// Pages of memory that segments have been in while they were one process's alone, to be used again.
#pragma once

#include "proto/mapping.h"

namespace memshare::client {

// So much memory of zeros that belongs to no file. For small sizes this thread may have some that was given
// back: to map a page, to touch it and to unmap it takes some 3 us.
proto::Result<proto::Mapping> memory_of_zeros(std::size_t size);

// To be used again by this thread, or unmapped.
void give_back(proto::Mapping memory) noexcept;

} // namespace memshare::client
