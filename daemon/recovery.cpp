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

Result<void> recover(const Remains& remains, HolderId dead) {
    if (remains.memory->is_untouched()) {
        return {}; // who sleeps there all the same looks again by itself
    }
    if (remains.exclusive_writer) { // it was the only one who could lock, and we can change nothing
        const auto mapping = remains.memory->map_header(Mapping::Access::read);
        if (!mapping) {
            return std::unexpected(mapping.error());
        }
        abi::futex_wake_all(header_in(*mapping).change.signal);
        return {};
    }
    const auto mapping = remains.memory->map_header(Mapping::Access::write);
    if (!mapping) {
        return std::unexpected(mapping.error());
    }
    const HoleGuard guard(mapping->bytes());
    abi::recover(header_in(*mapping).lock, dead);
    wake_waiters(header_in(*mapping).change, remains.counts_changes);
    return {};
}

Result<void> recover_lock(const Remains& remains, HolderId gone) {
    if (remains.exclusive_writer || !holds_lock(*remains.memory, gone)) {
        return {};
    }
    const auto mapping = remains.memory->map_header(Mapping::Access::write);
    if (!mapping) {
        return std::unexpected(mapping.error());
    }
    const HoleGuard guard(mapping->bytes());
    abi::recover(header_in(*mapping).lock, gone);
    return {};
}

Result<void> tell_all_changes(Memory& memory) {
    constexpr std::uint32_t one = 1;
    return memory.write(std::as_bytes(std::span(&one, 1)),
                        offsetof(abi::Header, change) + offsetof(abi::ChangeLine, watchers));
}

Result<void> count_watcher(const Remains& remains, bool more) {
    if (remains.exclusive_writer) {
        return {}; // all changes are told anyway
    }
    const auto mapping = remains.memory->map_header(Mapping::Access::write);
    if (!mapping) {
        return std::unexpected(mapping.error());
    }
    const HoleGuard guard(mapping->bytes());
    std::atomic<std::uint32_t>& watchers = header_in(*mapping).change.watchers;
    std::uint32_t count = watchers.load();
    // Whoever can write may have written anything there.
    while ((more || count > 0) && !watchers.compare_exchange_weak(count, more ? count + 1 : count - 1)) {
    }
    return {};
}

} // namespace memshare::daemon
