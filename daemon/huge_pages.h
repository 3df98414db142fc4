// Which huge pages the kernel would give now.
#pragma once

#include "proto/huge_pages.h"

namespace memshare::daemon {

// Whether shared memory of this size gets huge pages, where a process advises so.
bool gives_on_advice(std::uint64_t bytes);

// Whether the pool has so much left that nobody has reserved. Where that cannot be read, it may have.
bool may_be_pooled(proto::HugePages pages, std::uint64_t bytes);

} // namespace memshare::daemon
