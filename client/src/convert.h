// What the interface says, as the public types say it.
#pragma once

#include "proto/calls.h"
#include <memshare/statistics.hpp>

namespace memshare::client {

SegmentInfo info_of(const proto::Segment& segment);
AttachmentInfo info_of(const proto::Attachment& attachment);
ProcessInfo info_of(const proto::Process& process);
Event info_of(const proto::Event& event);
DeadHolder info_of(const proto::DeadHolder& dead);
LockInfo info_of(const proto::Lock& lock);
Statistics info_of(const proto::Statistics::Reply& reply);

inline proto::Lifetime lifetime_of(Lifetime lifetime) { return static_cast<proto::Lifetime>(lifetime); }
inline proto::Access access_of(Access access) { return static_cast<proto::Access>(access); }
inline proto::HugePages huge_pages_of(HugePages pages) { return static_cast<proto::HugePages>(pages); }

static_assert(static_cast<int>(Lifetime::creator) == static_cast<int>(proto::Lifetime::creator));
static_assert(static_cast<int>(Lifetime::attached) == static_cast<int>(proto::Lifetime::attached));
static_assert(static_cast<int>(Lifetime::persistent) == static_cast<int>(proto::Lifetime::persistent));
static_assert(static_cast<int>(HugePages::size_1g) == static_cast<int>(proto::HugePages::size_1g));
static_assert(static_cast<int>(EventKind::lock_recovered) ==
              static_cast<int>(proto::EventKind::lock_recovered));
static_assert(static_cast<int>(Access::write) == static_cast<int>(proto::Access::write));

} // namespace memshare::client
