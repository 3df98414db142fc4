// The bytes of a struct that belong to none of its members.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <type_traits>

namespace memshare::detail {

// Whether all bytes of T are its members', as far as the compiler can tell: copying padding into something
// that must not be indeterminate is no constant expression. (Of floating-point members alone
// has_unique_object_representations says no, as 0.0 is -0.0.)
template <typename T>
concept WithoutPadding =
    std::is_scalar_v<T> || std::has_unique_object_representations_v<T> || (sizeof(T) <= 4096 && requires {
        typename std::bool_constant<(std::bit_cast<std::array<signed char, sizeof(T)>>(T{}), true)>;
    });

#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
#define MEMSHARE_CLEARS_PADDING 1
#endif
#endif

// Whether equal values of T have equal bytes once clear_padding() was called for them. (clang 19 cannot clear
// it.)
#ifdef MEMSHARE_CLEARS_PADDING
template <typename T>
concept Comparable = true;
#else
template <typename T>
concept Comparable = WithoutPadding<T>;
#endif

// Makes padding zero, so that values can be compared by their bytes, and nothing of this process's memory
// gets into a segment with it.
template <typename T> void clear_padding([[maybe_unused]] T& value) noexcept {
#ifdef MEMSHARE_CLEARS_PADDING
    if constexpr (!WithoutPadding<T>) {
        __builtin_clear_padding(&value);
    }
#endif
}

} // namespace memshare::detail
