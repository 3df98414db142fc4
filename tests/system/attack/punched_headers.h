// Holes are punched into the pages of headers, and these touched, while the locks in them are recovered from
// processes that are killed.
#pragma once

#include "tests/system/attack/means.h"

#include <fcntl.h>
#include <sys/mman.h>

namespace memshare::test::attack {

inline void punched_headers(const std::string& socket_path) {
    constexpr std::size_t size = 32UL << 20U;
    constexpr off_t lock_word = 64;
    std::vector<Made> all;
    ChildProcess holder = child([&](Lines& parent) {
        RawPeer peer(socket_path);
        const std::uint32_t number = peer.call("Hello")["holder"];
        for (int segment = 0; segment < 8; ++segment) {
            const Made made = make(
                peer, bytes(size, {{"lifetime", "attached"},
                                   {"name", std::to_string(getuid()) + " punched " +
                                                std::to_string(getpid()) + " " + std::to_string(segment)}}));
            if (pwrite(made.memory.number(), &number, sizeof(number), lock_word) < 0) {
                return;
            }
            parent.say(made.id);
        }
        parent.hear();
    });
    RawPeer peer(socket_path);
    for (int segment = 0; segment < 8; ++segment) {
        const std::string id = holder.hear();
        auto answer = peer.call("Attach", {{"id", id}, {"access", "write"}});
        if (answer.fds.empty()) {
            return;
        }
        all.push_back({id, std::move(answer.fds.front())});
    }
    {
        std::vector<std::unique_ptr<Meanwhile>> busy;
        for (const Made& made : all) {
            busy.push_back(std::make_unique<Meanwhile>([memory = made.memory.number()] {
                fallocate(memory, 0, 0, size);
                fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, size);
            }));
        }
        holder.kill();
        for_a_while([&] {
            for (const Made& made : all) {
                peer.call("Attach", {{"id", made.id}, {"access", "read"}, {"waits", true}});
                peer.call("Detach", {{"id", made.id}, {"access", "read"}});
            }
        });
    }
}

} // namespace memshare::test::attack
