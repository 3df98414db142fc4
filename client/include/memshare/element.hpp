// Which C++ types can lie in shared memory, and how they are described to other languages.
#pragma once

#include <memshare/abi/element.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <type_traits>

namespace memshare {

using abi::Element;
using abi::ElementKind;
using abi::Field;
using abi::Form;

// The kind of a number or character; structure for everything else.
template <typename T> constexpr ElementKind kind_of() {
    if constexpr (std::is_enum_v<T>) {
        return std::same_as<T, std::byte> ? ElementKind::u8 : kind_of<std::underlying_type_t<T>>();
    } else if constexpr (std::same_as<T, bool>) {
        return ElementKind::boolean;
    } else if constexpr (std::same_as<T, char>) {
        return ElementKind::character;
    } else if constexpr ((std::same_as<T, wchar_t> || std::same_as<T, char32_t>) && sizeof(T) == 4) {
        return ElementKind::wide_character;
    } else if constexpr (std::integral<T> && sizeof(T) <= 8) {
        constexpr std::array of_size{ElementKind::u8, ElementKind::u16, ElementKind::u32, ElementKind::u64};
        constexpr std::size_t at = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
        constexpr std::array of_size_signed{ElementKind::i8, ElementKind::i16, ElementKind::i32,
                                            ElementKind::i64};
        return std::is_signed_v<T> ? of_size_signed[at] : of_size[at];
    } else if constexpr (std::same_as<T, float>) {
        return ElementKind::f32;
    } else if constexpr (std::same_as<T, double>) {
        return ElementKind::f64;
    } else {
        return ElementKind::structure;
    }
}

namespace detail {

// Finds what MEMSHARE_STRUCT has put beside the type, by argument-dependent lookup.
template <typename T>
concept Described = requires { memshare_describe(static_cast<const T*>(nullptr)); };

// How many items a member has, an array in all of its dimensions.
template <typename Member> constexpr std::uint32_t items_of() {
    if constexpr (std::is_array_v<Member>) {
        return static_cast<std::uint32_t>(std::extent_v<Member>) * items_of<std::remove_extent_t<Member>>();
    } else {
        return 1;
    }
}

template <typename Member> Field field(const char* name, std::size_t offset) {
    using Item = std::remove_all_extents_t<Member>;
    constexpr bool is_plain = kind_of<Item>() != ElementKind::structure;
    static_assert(is_plain,
                  "memshare: a field of a struct must be a number, a character, a bool or an enum, or a "
                  "plain array of those; leave out others, they are shared all the same");
    return {name, kind_of<Item>(), static_cast<std::uint32_t>(offset), items_of<Member>()};
}

} // namespace detail

// What can lie in memory that several processes see: bytes that mean the same everywhere.
template <typename T>
concept Shareable = std::is_object_v<T> && std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> &&
                    !std::is_pointer_v<T> && !std::is_member_pointer_v<T> && !std::is_null_pointer_v<T> &&
                    !std::is_array_v<T> && !std::is_volatile_v<T> &&
                    !std::same_as<std::remove_cv_t<T>, long double> && alignof(T) <= abi::cache_line;

// The description of a type.
template <Shareable T> Element element_of() {
    using Plain = std::remove_const_t<T>;
    constexpr ElementKind kind = kind_of<Plain>();
    Element element{.kind = kind, .size = sizeof(T), .alignment = alignof(T), .name = {}, .fields = {}};
    if constexpr (kind == ElementKind::structure && detail::Described<Plain>) {
        memshare_describe(static_cast<const Plain*>(nullptr), element);
    }
    return element;
}

} // namespace memshare

// Describes a struct to other languages and to the shell. Beside its definition, in its own namespace:
//
//     struct Pose { double x, y; float heading; };
//     MEMSHARE_STRUCT(Pose, x, y, heading)
//
// A described and an undescribed struct of the same size are taken for the same type; two described ones must
// have the same name and fields.
#define MEMSHARE_STRUCT(Type, ...)                                                                       \
    [[maybe_unused]] inline void memshare_describe(const Type* /*type*/) {}                              \
    [[maybe_unused]] inline void memshare_describe(const Type* /*type*/, ::memshare::Element& element) { \
        using Described = Type;                                                                          \
        element.name = #Type;                                                                            \
        element.fields = {MEMSHARE_EACH_FIELD(__VA_ARGS__)};                                             \
    }

// The macro above for each of up to 256 fields. (The way to recurse is David Mazieres' "Recursive macros with
// C++20 __VA_OPT__".)
#define MEMSHARE_FIELD(member) \
    ::memshare::detail::field<decltype(Described::member)>(#member, offsetof(Described, member)),
#define MEMSHARE_PARENTHESES ()
#define MEMSHARE_EXPAND(...) \
    MEMSHARE_EXPAND4(MEMSHARE_EXPAND4(MEMSHARE_EXPAND4(MEMSHARE_EXPAND4(__VA_ARGS__))))
#define MEMSHARE_EXPAND4(...) \
    MEMSHARE_EXPAND3(MEMSHARE_EXPAND3(MEMSHARE_EXPAND3(MEMSHARE_EXPAND3(__VA_ARGS__))))
#define MEMSHARE_EXPAND3(...) \
    MEMSHARE_EXPAND2(MEMSHARE_EXPAND2(MEMSHARE_EXPAND2(MEMSHARE_EXPAND2(__VA_ARGS__))))
#define MEMSHARE_EXPAND2(...) \
    MEMSHARE_EXPAND1(MEMSHARE_EXPAND1(MEMSHARE_EXPAND1(MEMSHARE_EXPAND1(__VA_ARGS__))))
#define MEMSHARE_EXPAND1(...) __VA_ARGS__
#define MEMSHARE_EACH_FIELD(...) __VA_OPT__(MEMSHARE_EXPAND(MEMSHARE_NEXT_FIELD(__VA_ARGS__)))
#define MEMSHARE_NEXT_FIELD(member, ...) \
    MEMSHARE_FIELD(member) __VA_OPT__(MEMSHARE_NEXT_FIELD_AGAIN MEMSHARE_PARENTHESES(__VA_ARGS__))
#define MEMSHARE_NEXT_FIELD_AGAIN() MEMSHARE_NEXT_FIELD
