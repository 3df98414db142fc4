// As many connections as one user can have, with a large buffer in use in each, and as much untouched memory.
#pragma once

#include "tests/system/attack/means.h"

namespace memshare::test::attack {

inline void idle_connections(const std::string& socket_path) {
    {
        std::vector<RawPeer> peers;
        for (int number = 0; number < 600; ++number) {
            RawPeer& peer = peers.emplace_back(socket_path);
            peer.send_what_goes("{" + std::string(100'000, ' '));
        }
        std::this_thread::sleep_for(a_while);
    }
    leave_some_to_others();
}

inline void untouched_memory(const std::string& socket_path) {
    RawPeer peer(socket_path);
    for (std::size_t size = 1UL << 43U; size >= 1UL << 20U;) {
        if (!peer.call("Create", bytes(size)).error().empty()) {
            size /= 2;
        }
    }
    std::this_thread::sleep_for(a_while);
    peer.call("Goodbye");
    leave_some_to_others();
}

} // namespace memshare::test::attack
