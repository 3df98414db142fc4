// What a Create asks for: whether that can be, what it takes of the quota, and its memory.
#pragma once

#include "daemon/registry.h"

namespace memshare::daemon {

// As the session's own. Refused is what contradicts itself or is not the session's to give.
proto::Answer<Blueprint> blueprint_of(const Session& session, const proto::Create& call);

// The pages that the daemon touches for so many bytes of initial contents, in bytes. The kernel counts them
// as the daemon's.
std::uint64_t touched_by_daemon(const Blueprint& plan, std::uint64_t initial);

// What a segment with memory of this size, so much of it touched by the daemon, takes of a user's.
proto::Answer<Charges> charges_for(Quota& quota, std::uint32_t uid, const Blueprint& plan,
                                   std::uint64_t bytes, std::uint64_t initial_bytes);

// Memory of at least so many bytes.
proto::Result<Memory> memory_for(const Blueprint& plan, std::uint64_t bytes);

} // namespace memshare::daemon
