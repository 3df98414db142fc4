// One numbered Attach that waits, again and again, also where it asks for more than the first one did.
#pragma once

#include "tests/system/attack/means.h"

namespace memshare::test::attack {

inline void repeated_attaches(const std::string& socket_path) {
    RawPeer owner(socket_path);
    const Made made = make(owner, bytes(5, {{"mode", 0644}}));
    RawPeer peer(socket_path);
    const Json first{{"id", made.id}, {"access", "read"}, {"waits", true}, {"serial", 1}};
    for_a_while([&] {
        for (const char* access : {"read", "write"}) {
            Json again = first;
            again["access"] = access;
            peer.send_call("Attach", again);
            peer.send_call("Attach", {{"id", made.id}, {"access", access}, {"waits", true}});
            peer.send_call("Detach", {{"id", made.id}});
        }
        for (int answer = 0; answer < 6; ++answer) {
            peer.receive();
        }
    });
}

} // namespace memshare::test::attack
