// A thread holds the lock that the kernel has for a memfd, by long calls of fallocate(2) and write(2), while
// the broker is asked for all that it could want that lock for.
#pragma once

#include "tests/system/attack/means.h"

#include <fcntl.h>

namespace memshare::test::attack {

inline void inode_locks(const std::string& socket_path) {
    constexpr std::size_t size = 64UL << 20U;
    RawPeer peer(socket_path);
    const Made exclusive = make(peer, bytes(size, {{"exclusiveWriter", true}}));
    const Made freezable = make(peer, bytes(size, {{"freezable", true}}));
    const std::array memories{exclusive.memory.number(), freezable.memory.number()};
    const Meanwhile busy([memories] {
        for (const int memory : memories) {
            fallocate(memory, 0, 0, size);
            fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, size);
        }
    });
    for_a_while([&] {
        peer.call("Publish", {{"id", exclusive.id}, {"name", "busy " + exclusive.id}});
        peer.call("Freeze", {{"id", freezable.id}});
        for (const std::string& id : {exclusive.id, freezable.id}) {
            peer.call("Attach", {{"id", id}, {"access", "read"}, {"waits", true}});
            peer.call("Describe", {{"id", id}});
            peer.call("Detach", {{"id", id}, {"access", "read"}});
        }
    });
    RawPeer ends(socket_path); // with the lock held
    const Made third = make(ends, bytes(size));
    const int memory = third.memory.number();
    const Meanwhile busy_too([memory] { fallocate(memory, 0, 0, size); });
    ends.call("Goodbye");
}

} // namespace memshare::test::attack
