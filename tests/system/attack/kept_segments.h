// Each segment that becomes visible is attached at once, and kept when its owner ends it.
#pragma once

#include "tests/system/attack/means.h"

namespace memshare::test::attack {

inline void kept_segments(const std::string& socket_path) {
    RawPeer watcher(socket_path);
    watcher.send_call("Watch", Json::object(), {{"more", true}});
    RawPeer keeper(socket_path);
    for (int event = 0; event < 2000; ++event) {
        const auto message = watcher.receive();
        if (!message || !message->error().empty()) {
            return;
        }
        const Json told = (*message)["event"];
        if (told["kind"] == "created") {
            keeper.call("Attach", {{"id", told["segment"]["id"]}, {"access", "read"}, {"waits", true}});
        }
    }
}

} // namespace memshare::test::attack
