// Many watches, with patterns that are slow to match and without, while processes with many segments are
// killed.
#pragma once

#include "tests/system/attack/list_patterns.h"

namespace memshare::test::attack {

inline void watched_deaths(const std::string& socket_path) {
    std::vector<RawPeer> watchers;
    for (std::size_t number = 0; number < 96; ++number) {
        const std::string pattern =
            number % 2 == 0 ? "" : std::string(number, '?') + repeated("*a", 60) + "b";
        watchers.emplace_back(socket_path).send_call("Watch", {{"pattern", pattern}}, {{"more", true}});
    }
    ChildProcess maker = child([&](Lines& parent) {
        RawPeer peer(socket_path);
        for (int number = 0; number < 1500; ++number) {
            const std::string name = std::to_string(getuid()) + "w" + std::to_string(number) + " ";
            make(peer, array_of_i32(name + std::string(255 - name.size(), 'a')));
        }
        parent.say("made");
        parent.hear();
    });
    maker.hear();
    maker.kill();
}

} // namespace memshare::test::attack
