// The start of a message, with as many descriptors as go with it, and never its end.
#pragma once

#include "tests/system/attack/means.h"

#include <fcntl.h>

namespace memshare::test::attack {

inline void half_messages(const std::string& socket_path) {
    const auto nothing = proto::Fd::adopt(open("/dev/null", O_RDONLY | O_CLOEXEC));
    std::vector<RawPeer> peers;
    for (const std::size_t count : {253U, 253U, 100U, 50U, 20U, 8U, 3U, 1U}) {
        const std::vector<int> descriptors(count, nothing.number());
        for (int connection = 0; connection < 12; ++connection) {
            peers.emplace_back(socket_path).send("{", descriptors);
        }
    }
    std::this_thread::sleep_for(a_while);
}

} // namespace memshare::test::attack
