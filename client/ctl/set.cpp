// `set`: stores words into the elements of a segment.
#include "client/ctl/commands.h"
#include "client/ctl/kinds.h"
#include "client/ctl/values.h"
#include <memshare/segment.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <span>
#include <stdexcept>

namespace memshare::ctl {
namespace {

constexpr std::chrono::seconds wait_for_lock{5};

// Stores an element in one piece, so that no reader ever sees half of it.
template <typename Bits> void copy_at_once(std::span<std::byte> to, std::span<const std::byte> from) {
    Bits bits{};
    std::memcpy(&bits, from.data(), sizeof(bits));
    std::atomic_ref<Bits>(*reinterpret_cast<Bits*>(to.data())).store(bits);
}

void store(std::span<std::byte> to, std::span<const std::byte> from) {
    switch (from.size()) {
        case 1:
            copy_at_once<std::uint8_t>(to, from);
            break;
        case 2:
            copy_at_once<std::uint16_t>(to, from);
            break;
        case 4:
            copy_at_once<std::uint32_t>(to, from);
            break;
        case 8:
            copy_at_once<std::uint64_t>(to, from);
            break;
        default:
            std::ranges::copy(from, to.begin());
    }
}

void expect_fit(const SegmentInfo& info, std::size_t bytes, std::size_t first, std::size_t room) {
    if (bytes > room) {
        throw std::invalid_argument(std::to_string(bytes / info.element.size) + " elements from index " +
                                    std::to_string(first) + " on do not fit into " + info.type() +
                                    ": it has room for " + std::to_string(room / info.element.size));
    }
}

// A holder that is stopped, or waits for a person, would keep this command waiting without a word.
void lock_in_time(std::unique_lock<Mutex>& lock, Broker& broker, const SegmentInfo& info) {
    if (lock.try_lock_for(wait_for_lock)) {
        return;
    }
    const auto holder = broker.describe(info.id).lock.holder;
    throw std::runtime_error(
        "the lock of \"" + info.name + "\" was not free within " + std::to_string(wait_for_lock.count()) +
        " s" + (holder ? ": " + holder->program + '[' + std::to_string(holder->pid) + "] has it" : "") +
        "; nothing was stored: try again when it is free");
}

// The fields of a struct that are not set keep their values, so no other process may set them meanwhile.
void set_value(Broker& broker, Segment& segment, const std::vector<std::string>& words) {
    const SegmentInfo& info = segment.info();
    std::unique_lock lock(segment.mutex(), std::defer_lock);
    if (info.element.kind == ElementKind::structure) {
        lock_in_time(lock, broker, info);
    }
    std::vector<std::byte> value(info.size_bytes);
    segment.load(value);
    auto bytes = elements_of(info.element, words, value);
    expect_fit(info, bytes.size(), 0, value.size());
    bytes.resize(value.size()); // an empty text sets a character to zero
    segment.store(bytes);
}

// Ends a text. A byte that is zero is not written, so that its page stays clean.
void store_zeros(std::span<std::byte> rest) {
    for (std::byte& byte : rest) {
        const std::atomic_ref<std::byte> stored(byte);
        if (stored.load(std::memory_order_relaxed) != std::byte{0}) {
            stored.store(std::byte{0});
        }
    }
}

void set_elements(const Segment& segment, const std::vector<std::string>& words, std::size_t first) {
    const SegmentInfo& info = segment.info();
    const auto room = segment.payload().subspan(first * info.element.size);
    const auto bytes = elements_of(info.element, words, room);
    expect_fit(info, bytes.size(), first, room.size());
    for (std::size_t at = 0; at < bytes.size(); at += info.element.size) {
        store(room.subspan(at), std::span(bytes).subspan(at, info.element.size));
    }
    if (is_text(info.element.kind)) {
        store_zeros(room.subspan(bytes.size()));
    }
    segment.changes().notify_all();
}

} // namespace

void set(Broker& broker, const std::string& name, const std::vector<std::string>& words, std::size_t first) {
    Segment segment = open(broker, name, Access::write);
    const SegmentInfo& info = segment.info();
    if (first >= info.count) {
        throw std::invalid_argument("index " + std::to_string(first) + " of --at is not there: \"" + name +
                                    "\" is " + info.type() + ", whose last index is " +
                                    std::to_string(info.count - 1));
    }
    if (info.form == Form::value) {
        set_value(broker, segment, words);
    } else {
        set_elements(segment, words, first);
    }
}

} // namespace memshare::ctl
