// A value of 1, 2, 4 or 8 bytes: everything that is done with it is one atomic step.
#pragma once

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

    explicit AtOnce(std::byte* place) noexcept : place_(reinterpret_cast<Bits*>(place)) {}

    T load() const noexcept { return from(bits().load()); }
    void store(T value) noexcept { bits().store(to(value)); }
    T exchange(T value) noexcept { return from(bits().exchange(to(value))); }

    bool compare_exchange(T& expected, T desired) noexcept {
        Bits seen = to(expected);
        const bool done = bits().compare_exchange_strong(seen, to(desired));
        if (!done) {
            expected = from(seen);
        }
        return done;
    }

    T fetch_add(T value) noexcept {
        if constexpr (std::integral<T>) {
            return from(bits().fetch_add(to(value)));
        } else {
            return replace([value](T old) { return old + value; });
        }
    }
    T fetch_and(T value) noexcept { return from(bits().fetch_and(to(value))); }
    T fetch_or(T value) noexcept { return from(bits().fetch_or(to(value))); }
    T fetch_xor(T value) noexcept { return from(bits().fetch_xor(to(value))); }

    // Stores next(old), which is called again if another one was faster; returns the old value.
    template <typename Next> T replace(Next next) {
        Bits old = bits().load();
        while (!bits().compare_exchange_weak(old, to(next(from(old))))) {
        }
        return from(old);
    }

  private:
    std::atomic_ref<Bits> bits() const noexcept { return std::atomic_ref<Bits>(*place_); }
    static Bits to(const T& value) noexcept { return std::bit_cast<Bits>(value); }

    // Another process can have stored any byte, and a bool that is neither 0 nor 1 has no meaning in C++.
    static T from(Bits bits) noexcept {
        if constexpr (std::same_as<T, bool>) {
            return bits != 0;
        } else {
            return std::bit_cast<T>(bits);
        }
    }

    Bits* place_;
};

} // namespace memshare::detail
