// List with patterns that are slow to match, over many segments with long names.
#pragma once

#include "tests/system/attack/means.h"

namespace memshare::test::attack {

inline std::string repeated(const std::string& text, std::size_t times) {
    std::string all;
    for (; times > 0; --times) {
        all += text;
    }
    return all;
}

inline void list_patterns(const std::string& socket_path) {
    const std::string own = std::to_string(getuid()) + " ";
    RawPeer maker(socket_path);
    RawPeer asker(socket_path);
    for (int number = 0; number < 4000; ++number) {
        const std::string name = own + std::to_string(number) + " ";
        Json one = array_of_i32(name + std::string(255 - name.size(), 'a'));
        make(maker, one);
        if (number % 100 != 0) {
            continue;
        }
        for (const std::string& pattern : {repeated("*a", 126) + "b", "*a[" + repeated("[:digit:]", 24) + "]",
                                           "*" + repeated("[" + repeated("[:digit:]", 8) + "a]", 3) + "b",
                                           std::string("[!"), repeated("?*", 120) + "b"}) {
            asker.call("List", {{"pattern", pattern}});
            RawPeer watcher(socket_path);
            watcher.send_call("Watch", {{"pattern", pattern}}, {{"more", true}});
            watcher.receive();
        }
    }
}

} // namespace memshare::test::attack
