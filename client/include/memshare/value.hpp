// One typed value that several processes share.
#pragma once

#include <memshare/element.hpp>
#include <memshare/segment.hpp>

#include <atomic>
#include <bit>
#include <span>
#include <string_view>
#include <utility>

namespace memshare {

// Value<T> is read and written, Value<const T> only read: it is mapped read-only, which the kernel enforces.
// A handle is this process's attachment: it can be moved, and its end detaches. All processes see every store
// whole and in one order (as sequentially consistent atomics).
template <typename T> class Value {
    static_assert(
        std::is_trivially_copyable_v<T>,
        "memshare: Value<T> needs a T whose bytes are all there is to it. A std::string, a container or a "
        "smart pointer keeps its contents in private memory that other processes cannot see: share text as "
        "Array<char>, many values as Array<T>, and structs made of numbers as they are");
    static_assert(!std::is_pointer_v<T>,
                  "memshare: an address means nothing in another process; share what it points "
                  "to, or an index into an Array<T>");
    static_assert(Shareable<T>,
                  "memshare: Value<T> needs a number, a character, a bool, an enum, or a struct with "
                  "standard layout of these");
    static_assert(abi::stored_at_once(sizeof(T)),
                  "memshare: Value<T> holds 1, 2, 4 or 8 bytes, which are stored at "
                  "once; use an Array<T> of one element for a larger T");

  public:
    using value_type = std::remove_const_t<T>;

    // Makes the value; this process is its creator. It is visible only with its initial contents.
    // Error: name_taken, quota_exceeded, out_of_memory, invalid_argument.
    static Value create(std::string_view name, const value_type& initial = {},
                        const CreateOptions& options = {})
        requires(!std::is_const_v<T>)
    {
        return Value(Segment::create(name, plan(), bytes(initial), options));
    }
    static Value create(Unnamed, const value_type& initial = {}, const CreateOptions& options = {})
        requires(!std::is_const_v<T>)
    {
        return Value(Segment::create(unnamed, plan(), bytes(initial), options));
    }

    // Opens one that there is. Error: no_such_segment, type_mismatch, access_denied, quota_exceeded.
    static Value open(std::string_view name, const OpenOptions& options = {}) {
        return Value(Segment::open(name, access, expected(), options));
    }
    static Value open_by_id(std::string_view id, const OpenOptions& options = {}) {
        return Value(Segment::open_by_id(id, access, expected(), options));
    }

    // Opens it, or makes it if there is none: of many at once exactly one does. Error: as both.
    static Value open_or_create(std::string_view name, const value_type& initial = {},
                                const CreateOptions& options = {})
        requires(!std::is_const_v<T>)
    {
        return Value(Segment::open_or_create(name, plan(), bytes(initial), options));
    }

    value_type load() const noexcept { return from_bits(place().load()); }

    void store(const value_type& value) noexcept
        requires(!std::is_const_v<T>)
    {
        place().store(std::bit_cast<Bits>(value));
    }

    const SegmentInfo& info() const noexcept { return segment_.info(); }

  private:
    template <std::size_t size> struct BitsOf;
    template <std::size_t size>
        requires(size == 1)
    struct BitsOf<size> {
        using type = std::uint8_t;
    };
    template <std::size_t size>
        requires(size == 2)
    struct BitsOf<size> {
        using type = std::uint16_t;
    };
    template <std::size_t size>
        requires(size == 4)
    struct BitsOf<size> {
        using type = std::uint32_t;
    };
    template <std::size_t size>
        requires(size == 8)
    struct BitsOf<size> {
        using type = std::uint64_t;
    };
    using Bits = typename BitsOf<sizeof(T)>::type;

    static constexpr Access access = std::is_const_v<T> ? Access::read : Access::write;

    explicit Value(Segment segment) noexcept
        : segment_(std::move(segment)), place_(reinterpret_cast<Bits*>(segment_.payload().data())) {}

    static Plan plan() { return {.form = Form::value, .element = element_of<T>(), .count = 1}; }
    static Expected expected() { return {.form = Form::value, .element = element_of<T>(), .count = 1}; }
    static std::span<const std::byte> bytes(const value_type& value) {
        return std::as_bytes(std::span(&value, 1));
    }

    std::atomic_ref<Bits> place() const noexcept { return std::atomic_ref<Bits>(*place_); }

    // Another process can have stored any byte, and a bool that is neither 0 nor 1 has no meaning in C++.
    static value_type from_bits(Bits bits) noexcept {
        if constexpr (std::same_as<value_type, bool>) {
            return bits != 0;
        } else {
            return std::bit_cast<value_type>(bits);
        }
    }

    Segment segment_;
    Bits* place_;
};

} // namespace memshare
