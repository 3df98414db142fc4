// Messages that are no calls, on one connection after the other: each of them can make the broker write to
// its log.
#pragma once

#include "tests/system/attack/means.h"

namespace memshare::test::attack {

inline void no_calls(const std::string& socket_path) {
    for_a_while([&] {
        for (const std::string text : {"garbage", "[]", "{\"method\":7}", "\xff\xfe"}) {
            RawPeer peer(socket_path);
            peer.send(text + '\0');
            peer.close();
        }
    });
}

} // namespace memshare::test::attack
