// What lies at the start of every segment: a header of three cache lines, and then the payload.
//
// The layout is an agreement between processes that may have been compiled apart, in C++ and in other
// languages: it changes only together with abi::version. Each line has its own writers, so that a lock that
// is fought over does not slow those who only read the value.
//
// Two words are slept on: LockLine::word and ChangeLine::signal. The kernel lets every process that has the
// segment mapped sleep on them, also read-only, and take wake-ups that were meant for another one: by
// sleeping there itself (FUTEX_WAIT) or by moving the sleepers to a word of its own (FUTEX_REQUEUE). So a
// reader can delay others, but not keep them: every sleeper looks at its word again by itself, at a lock
// within 100 ms and at a change within a second.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace memshare::abi {

inline constexpr std::size_t cache_line = 64;
inline constexpr std::uint64_t magic = 0x6572'6168'736d'656d; // "memshare" in memory order
inline constexpr std::uint32_t version = 1;

// What a segment holds: one value, or an array of a fixed number of elements.
enum class Form : std::uint32_t { value = 0, array = 1 };

// What one element is.
enum class ElementKind : std::uint32_t {
    i8 = 0,
    u8 = 1,
    i16 = 2,
    u16 = 3,
    i32 = 4,
    u32 = 5,
    i64 = 6,
    u64 = 7,
    f32 = 8,
    f64 = 9,
    boolean = 10,
    character = 11,      // one byte of text
    wide_character = 12, // a code point in four bytes
    structure = 13,
};

// Line 0, written once by the creator, for tools that find the memory without its broker; all zero where the
// payload is on pages of its own, as nothing else may ever need the header's page. A client believes the
// broker's reply and fstat(2), never these words: any writer of the segment could have changed them.
struct alignas(cache_line) Inscription {
    std::uint64_t magic;
    std::uint32_t version;
    Form form;
    ElementKind element_kind;
    std::uint32_t element_size;
    std::uint64_t count;
    std::uint64_t payload_offset;
};

// Line 1, the lock. The word is free if it has no holder (see lock_word.hpp); owner and depth are zero
// whenever it is.
struct alignas(cache_line) LockLine {
    std::atomic<std::uint32_t> word;
    std::atomic<std::uint32_t> depth;      // how often its owner has it
    std::atomic<std::uint64_t> owner;      // the holder id in the upper half, a number of its thread's below
    std::atomic<std::uint32_t> recoveries; // how often the broker passed the lock on from the dead
};

// Line 2, the changes of the value and those who wait for them.
struct alignas(cache_line) ChangeLine {
    std::atomic<std::uint64_t> version;
    std::atomic<std::uint32_t> signal;   // the futex that waiters sleep on
    std::atomic<std::uint32_t> waiting;  // not 0: somebody may be asleep
    std::atomic<std::uint32_t> watchers; // read-only attachments that wait; kept by the broker
};

struct Header {
    Inscription inscription;
    LockLine lock;
    ChangeLine change;
};

// Whether a value of this many bytes is stored in one instruction. If not, it has two slots, one of which
// always holds a whole value, whatever happens to the writer of the other.
constexpr bool stored_at_once(std::size_t size) { return size <= 8 && std::has_single_bit(size); }

// The room of one of the two slots: a value of its own cache lines.
constexpr std::size_t slot_size(std::size_t size) {
    return (size + cache_line - 1) / cache_line * cache_line;
}

// The bytes of a payload. The caller has made sure that element_size * count does not overflow.
constexpr std::size_t payload_size(Form form, std::size_t element_size, std::size_t count) {
    return form == Form::array || stored_at_once(element_size) ? element_size * count
                                                               : 2 * slot_size(element_size);
}

// Arrays of at least this many bytes start on a page of their own.
inline constexpr std::size_t page = 4096;

// How many bytes after the start of a segment its payload begins.
constexpr std::size_t payload_offset(Form form, std::size_t payload_size) {
    return form == Form::array && payload_size >= page ? page : sizeof(Header);
}

static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<std::uint32_t>) == 4 && sizeof(std::atomic<std::uint64_t>) == 8);
static_assert(sizeof(Header) == 3 * cache_line);
static_assert(offsetof(Header, lock) == 64 && offsetof(Header, change) == 128);
static_assert(offsetof(Inscription, version) == 8 && offsetof(Inscription, form) == 12);
static_assert(offsetof(Inscription, element_kind) == 16 && offsetof(Inscription, element_size) == 20);
static_assert(offsetof(Inscription, count) == 24 && offsetof(Inscription, payload_offset) == 32);
static_assert(offsetof(LockLine, word) == 0 && offsetof(LockLine, depth) == 4);
static_assert(offsetof(LockLine, owner) == 8 && offsetof(LockLine, recoveries) == 16);
static_assert(offsetof(ChangeLine, version) == 0 && offsetof(ChangeLine, signal) == 8);
static_assert(offsetof(ChangeLine, waiting) == 12 && offsetof(ChangeLine, watchers) == 16);

} // namespace memshare::abi
