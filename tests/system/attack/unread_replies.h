// Replies that nobody reads: long ones, ones with descriptors, streams; and calls that are sent far ahead.
#pragma once

#include "tests/system/attack/list_patterns.h"

namespace memshare::test::attack {

inline void unread_replies(const std::string& socket_path) {
    RawPeer owner(socket_path);
    const Made made = make(owner, bytes(5));
    const std::string with_descriptors =
        repeated(RawPeer::text_of("Attach", {{"id", made.id}, {"access", "read"}}), 50);
    const std::string streams = repeated(RawPeer::text_of("List", Json::object(), {{"more", true}}), 20);
    const std::string descriptions = repeated(RawPeer::text_of("org.varlink.service.GetInterfaceDescription",
                                                               {{"interface", "io.memshare.Broker"}}),
                                              20);
    std::vector<RawPeer> peers;
    for (int number = 0; number < 20; ++number) {
        for (const std::string& calls : {with_descriptors, streams, descriptions}) {
            RawPeer& peer = peers.emplace_back(socket_path);
            while (peer.send_what_goes(calls)) {
            }
        }
    }
    std::this_thread::sleep_for(a_while);
}

inline void calls_far_ahead(const std::string& socket_path) {
    RawPeer peer(socket_path);
    const std::string calls = repeated(RawPeer::text_of("Statistics") + RawPeer::text_of("List"), 100);
    for_a_while([&] {
        peer.send(calls);
        for (int answer = 0; answer < 200; ++answer) {
            peer.receive();
        }
    });
}

} // namespace memshare::test::attack
