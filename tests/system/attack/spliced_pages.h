// A storm of Freeze calls, for memory of which pages wait in pipes: to seal that takes the kernel long.
#pragma once

#include "tests/system/attack/means.h"

#include <fcntl.h>

namespace memshare::test::attack {

inline void spliced_pages(const std::string& socket_path) {
    constexpr std::size_t page = 4096;
    struct One {
        RawPeer peer;
        Made made;
        proto::Fd reading, writing;
    };
    std::vector<One> all;
    for (int number = 0; number < 40; ++number) {
        RawPeer peer(socket_path);
        Made made = make(peer, bytes(2 * page, {{"freezable", true}}));
        std::array<int, 2> ends{-1, -1};
        if (pipe2(ends.data(), O_CLOEXEC) != 0) {
            throw std::runtime_error("no pipe");
        }
        all.push_back(
            {std::move(peer), std::move(made), proto::Fd::adopt(ends[0]), proto::Fd::adopt(ends[1])});
        const One& one = all.back();
        const std::string text(page, 'x');
        off_t offset = page;
        if (pwrite(one.made.memory.number(), text.data(), page, page) < 0 ||
            splice(one.made.memory.number(), &offset, one.writing.number(), nullptr, page, 0) < 0) {
            throw std::runtime_error("no splice");
        }
    }
    for (One& one : all) {
        one.peer.send_call("Freeze", {{"id", one.made.id}});
    }
    for (One& one : all) {
        one.peer.receive();
        fcntl(one.made.memory.number(), F_ADD_SEALS, F_SEAL_WRITE); // as a client does; it waits for the page
        one.peer.call("Freeze", {{"id", one.made.id}});
    }
}

} // namespace memshare::test::attack
