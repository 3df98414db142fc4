// Descriptions of structures that are as long as can be.
#pragma once

#include "tests/system/attack/means.h"

namespace memshare::test::attack {

inline void field_descriptions(const std::string& socket_path) {
    Json fields = Json::array();
    for (int number = 0; number < 256; ++number) {
        const std::string digits = std::to_string(number);
        fields.push_back({{"name", std::string(63 - digits.size(), 'f') + digits},
                          {"kind", "u8"},
                          {"offset", number},
                          {"count", 1}});
    }
    const Json one{{"form", "value"},
                   {"element",
                    {{"kind", "struct"},
                     {"size", 256},
                     {"alignment", 1},
                     {"name", std::string(255, 'n')},
                     {"fields", fields}}}};
    RawPeer peer(socket_path);
    for (int number = 0; number < 2000; ++number) {
        make(peer, one);
        if (number % 100 == 0) {
            peer.call("List");
        }
    }
}

} // namespace memshare::test::attack
