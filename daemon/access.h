// The rules of access: who may do what with a segment. Pure.
#pragma once

#include "daemon/peer.h"
#include "proto/calls.h"

namespace memshare::daemon {

// The owner of a segment and its mode: read and write bits for the owner, the group and all others, as for a
// file. Nothing here knows of umask: the mode that was asked for is the mode.
struct Rights {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t mode = 0600;
};

inline constexpr std::uint32_t permission_bits = 0777; // the execute bits mean nothing

// As for files: one class of bits counts, the first that fits. Writing implies reading, as a mapping does.
bool may(const Caller& caller, proto::Access access, const Rights& rights);

// Whether the caller may end or change the segment: its owner, and root.
bool owns(const Caller& caller, const Rights& rights);

// Whether the caller may let this group use what it owns: a group of its own, as for files.
bool may_give_to(const Caller& caller, std::uint32_t gid);

} // namespace memshare::daemon
