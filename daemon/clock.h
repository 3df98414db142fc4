// The time, as the interface tells it.
#pragma once

#include <chrono>
#include <cstdint>

namespace memshare::daemon {

// Microseconds since 1970.
inline std::uint64_t now_usec() {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                          std::chrono::system_clock::now().time_since_epoch())
                                          .count());
}

} // namespace memshare::daemon
