// Who is at the other end of a connection, as the kernel tells it.
#pragma once

#include "daemon/groups.h"
#include "proto/fd.h"

#include <cstdint>
#include <memory>
#include <string>

namespace memshare::daemon {

// What the rules of access ask about a caller.
struct Caller {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    Groups groups;

    bool is_in_group(std::uint32_t group) const;
};

struct Peer {
    Caller caller;
    std::int64_t pid = 0;            // as this daemon sees it; 0, if it cannot
    std::uint64_t process_inode = 0; // no other process ever has it (before Linux 6.9, all have the same)
    std::string program;             // what the kernel calls it
    std::shared_ptr<const proto::Fd> process; // a pidfd: readable when the process has ended

    // Whose process connected a borrowed socket; this tells no more, and costs little.
    static proto::Result<std::uint32_t> user_of(int socket);

    // The process that connected a borrowed socket. An error, if it has ended and been reaped by now.
    static proto::Result<Peer> of(int socket);
};

} // namespace memshare::daemon
