// A value of 1, 2, 4 or 8 bytes: everything that is done with it is one atomic step.
#pragma once

#include <memshare/padding.hpp>

#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace memshare::detail {

template <std::size_t size> struct BitsOf;
template <> struct BitsOf<1> {
    using type = std::uint8_t;
};
template <> struct BitsOf<2> {
    using type = std::uint16_t;
};
template <> struct BitsOf<4> {
    using type = std::uint32_t;
};
template <> struct BitsOf<8> {
    using type = std::uint64_t;
};

// All sequentially consistent, as std::atomic is unless it is told otherwise.
template <typename T> class AtOnce {
  public:
    using Bits = typename BitsOf<sizeof(T)>::type;

    AtOnce() noexcept = default; // nowhere: only to be assigned to
    explicit AtOnce(std::byte* place) noexcept : place_(reinterpret_cast<Bits*>(place)) {}

    Bits bits() const noexcept { return place().load(); }
    T load() const noexcept { return from(bits()); }
    void store(T value) noexcept { place().store(to(value)); }
    T exchange(T value) noexcept { return from(place().exchange(to(value))); }

    bool compare_exchange(T& expected, T desired) noexcept {
        static_assert(
            Comparable<T>,
            "memshare: this compiler cannot clear the padding of a struct, so two equal values may differ "
            "in their bytes: make the padding a member, or compile with g++");
        Bits seen = to(expected);
        while (!place().compare_exchange_strong(seen, to(desired))) {
            const T now = from(seen);
            if (to(now) != to(expected)) {
                expected = now;
                return false;
            } // else it means the same by other bits: a bool stored as 2, or padding that is not zero
        }
        return true;
    }

    T fetch_add(T value) noexcept {
        if constexpr (std::integral<T>) {
            return from(place().fetch_add(to(value)));
        } else {
            return replace([value](T old) { return old + value; });
        }
    }
    T fetch_and(T value) noexcept { return from(place().fetch_and(to(value))); }
    T fetch_or(T value) noexcept { return from(place().fetch_or(to(value))); }
    T fetch_xor(T value) noexcept { return from(place().fetch_xor(to(value))); }

    // Stores next(old), which is called again if another one was faster; returns the old value.
    template <typename Next> T replace(Next next) {
        Bits old = bits();
        while (!place().compare_exchange_weak(old, to(next(from(old))))) {
        }
        return from(old);
    }

  private:
    std::atomic_ref<Bits> place() const noexcept { return std::atomic_ref<Bits>(*place_); }
    static Bits to(T value) noexcept {
        clear_padding(value);
        return std::bit_cast<Bits>(value);
    }

    // Another process can have stored any byte, and a bool that is neither 0 nor 1 has no meaning in C++.
    static T from(Bits bits) noexcept {
        if constexpr (std::same_as<T, bool>) {
            return bits != 0;
        } else {
            return std::bit_cast<T>(bits);
        }
    }

    Bits* place_ = nullptr;
};

} // namespace memshare::detail
