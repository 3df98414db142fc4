// Tells whether two calls are the same in every parameter, without keeping the first one.
#pragma once

#include "proto/calls.h"

#include <cstdint>

namespace memshare::daemon {

// Equal for equal calls, also in another version of the daemon. It is no secret and can be forged: a call
// that is taken for a repetition by it is checked like any other.
std::uint64_t digest_of(const proto::Create& call);
std::uint64_t digest_of(const proto::Attach& call);
std::uint64_t digest_of(const proto::Detach& call);

} // namespace memshare::daemon
