// What the kernel's no to a new memfd or descriptor means to the caller.
#pragma once

#include "proto/error.h"
#include "proto/refusal.h"

namespace memshare::daemon {

// `bytes` is how much was asked for, if it was memory.
proto::Refusal refusal_of(const proto::Error& error, std::uint64_t bytes);

} // namespace memshare::daemon
