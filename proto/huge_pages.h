// What pages a segment's memory is made of.
#pragma once

#include <memshare/abi/layout.hpp>

#include <cstdint>

namespace memshare::proto {

// Ordinary ones; such as the kernel makes huge on advice, where it can; or huge ones of the administrator's
// pool, of 2 MiB or 1 GiB.
enum class HugePages { no, transparent, size_2m, size_1g };

constexpr bool are_pooled(HugePages pages) {
    return pages == HugePages::size_2m || pages == HugePages::size_1g;
}

// Memory is a whole number of these, in bytes.
constexpr std::uint64_t page_bytes(HugePages pages) {
    return pages == HugePages::size_2m   ? std::uint64_t{1} << 21
           : pages == HugePages::size_1g ? std::uint64_t{1} << 30
                                         : abi::page;
}

} // namespace memshare::proto
