#include "daemon/recovery.h"

#include "daemon/hole_guard.h"
#include <memshare/abi/lock_word.hpp>

namespace memshare::daemon {

using proto::Mapping;
using proto::Result;

namespace {

abi::Header& header_in(const Mapping& mapping) {
    return *reinterpret_cast<abi::Header*>(mapping.bytes().data());
}

// It may have died between a change and its wake-up. (model: wake_waiters)
void wake_waiters(abi::ChangeLine& change, bool counts_changes) {
    if (counts_changes) {
        change.version.fetch_add(1);
    }
    change.signal.fetch_add(1);
    abi::futex_wake_all(change.signal);
}

} // namespace

bool holds_lock(const Memory& memory, HolderId session) {
    return abi::holder_of(memory.lock_word()) == session;
}

namespace {

constexpr auto is_sealed = std::errc::operation_not_permitted;

// Where the kernel lets the daemon write no more, a process that sleeps can still be woken.
Result<void> wake_in_sealed(const Remains& remains, HolderId dead) {
    const auto mapping = remains.memory->map_header(Mapping::Access::read);
    if (!mapping) {
        return std::unexpected(mapping.error());
    }
    abi::futex_wake_all(header_in(*mapping).change.signal);
    if (!remains.exclusive_writer && !remains.memory->is_frozen() && holds_lock(*remains.memory, dead)) {
        return proto::system_error("pass on the lock of a segment that a client has sealed", EPERM);
    }
    return {};
}

} // namespace

Result<void> recover(const Remains& remains, HolderId dead) {
    if (remains.memory->is_untouched()) {
        return {}; // who sleeps there all the same looks again by itself
    }
    const auto mapping = remains.memory->map_header(Mapping::Access::write);
    if (!mapping) {
        return mapping.error().code == is_sealed ? wake_in_sealed(remains, dead)
                                                 : std::unexpected(mapping.error());
    }
    const HoleGuard guard(mapping->bytes());
    abi::recover(header_in(*mapping).lock, dead);
    wake_waiters(header_in(*mapping).change, remains.counts_changes);
    return {};
}

Result<void> recover_lock(const Remains& remains, HolderId gone) {
    if (!holds_lock(*remains.memory, gone)) {
        return {};
    }
    const auto mapping = remains.memory->map_header(Mapping::Access::write);
    if (!mapping) {
        return mapping.error().code == is_sealed ? wake_in_sealed(remains, gone)
                                                 : std::unexpected(mapping.error());
    }
    const HoleGuard guard(mapping->bytes());
    abi::recover(header_in(*mapping).lock, gone);
    return {};
}

Result<void> set_watchers(const Remains& remains, std::uint32_t count) {
    if (remains.exclusive_writer) {
        return {}; // its creator has all changes told
    }
    const auto mapping = remains.memory->map_header(Mapping::Access::write);
    if (!mapping) {
        return mapping.error().code == is_sealed ? Result<void>() : std::unexpected(mapping.error());
    }
    const HoleGuard guard(mapping->bytes());
    header_in(*mapping).change.watchers.store(count);
    return {};
}

} // namespace memshare::daemon
