#include "daemon/recovery.h"

#include <memshare/abi/lock_word.hpp>

namespace memshare::daemon {

using proto::Mapping;

namespace {

abi::Header& header_in(const Mapping& mapping) {
    return *reinterpret_cast<abi::Header*>(mapping.bytes().data());
}

// It may have died between a change and its wake-up. A small value moves its version only with the wake-up;
// of a larger one the version says which slot holds, and is not ours. (model: wake_waiters)
void wake_waiters(abi::ChangeLine& change, const proto::Type& type) {
    if (type.form == abi::Form::value && abi::stored_at_once(type.element.size)) {
        change.version.fetch_add(1);
    }
    change.signal.fetch_add(1);
    abi::futex_wake_all(change.signal);
}

} // namespace

bool recover(const Segment& segment, HolderId dead) {
    if (segment.frozen || !segment.memory.lock_word()) {
        return false; // nobody can have written there, or slept there
    }
    if (segment.is.exclusive_writer) { // nobody else can lock it, and we cannot write to it either
        if (const auto mapping = segment.memory.map_header(Mapping::Access::read)) {
            abi::futex_wake_all(header_in(*mapping).change.signal);
        }
        return false;
    }
    const auto mapping = segment.memory.map_header(Mapping::Access::write);
    if (!mapping) {
        return false;
    }
    const bool held = abi::recover(header_in(*mapping).lock, dead);
    wake_waiters(header_in(*mapping).change, segment.is.type);
    return held;
}

bool recover_lock(const Segment& segment, HolderId gone) {
    const auto word = segment.memory.lock_word();
    if (!word || abi::holder_of(*word) != gone || segment.frozen || segment.is.exclusive_writer) {
        return false;
    }
    const auto mapping = segment.memory.map_header(Mapping::Access::write);
    return mapping && abi::recover(header_in(*mapping).lock, gone);
}

proto::Result<void> tell_all_changes(Memory& memory) {
    constexpr std::uint32_t one = 1;
    return memory.write(std::as_bytes(std::span(&one, 1)),
                        offsetof(abi::Header, change) + offsetof(abi::ChangeLine, watchers));
}

proto::Result<void> count_watcher(const Segment& segment, bool more) {
    if (segment.frozen || segment.is.exclusive_writer) {
        return {}; // nothing changes any more, or all changes are told anyway
    }
    const auto mapping = segment.memory.map_header(Mapping::Access::write);
    if (!mapping) {
        return std::unexpected(mapping.error());
    }
    std::atomic<std::uint32_t>& watchers = header_in(*mapping).change.watchers;
    std::uint32_t count = watchers.load();
    // Whoever can write may have written anything there.
    while ((more || count > 0) && !watchers.compare_exchange_weak(count, more ? count + 1 : count - 1)) {
    }
    return {};
}

} // namespace memshare::daemon
