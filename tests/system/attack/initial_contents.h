// Segments with as many initial contents as one call can bring.
#pragma once

#include "proto/base64.h"
#include "tests/system/attack/means.h"

namespace memshare::test::attack {

inline void initial_contents(const std::string& socket_path) {
    constexpr std::size_t most = 65535;
    const std::string text(most / 3 * 4, 'A'); // base64 of zeros
    RawPeer peer(socket_path);
    const std::string call = RawPeer::text_of("Create", bytes(most, {{"initial", text}}));
    for (int number = 0; number < 1000; ++number) {
        peer.send(call);
        const auto answer = peer.receive();
        if (!answer || !answer->error().empty()) {
            return;
        }
    }
}

} // namespace memshare::test::attack
