// What one element of a segment is, as every language can understand it.
#pragma once

#include <memshare/abi/layout.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace memshare::abi {

// One member of a struct: `count` elements of a kind, from `offset` bytes after the start of the struct.
struct Field {
    std::string name;
    ElementKind kind{};
    std::uint32_t offset = 0;
    std::uint32_t count = 1;

    friend bool operator==(const Field&, const Field&) = default;
};

// The type of an element; size and alignment are in bytes. Only a struct may have a name and fields, and one
// that is not described has neither.
struct Element {
    ElementKind kind{};
    std::uint32_t size = 0;
    std::uint32_t alignment = 0;
    std::string name;
    std::vector<Field> fields;

    friend bool operator==(const Element&, const Element&) = default;
};

// The word for each kind, in the order of the enumeration: on the wire, in messages and in the shell.
inline constexpr std::array<std::string_view, 14> kind_names{
    "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64", "bool", "char", "wchar", "struct"};

// The size of one element of a kind, in bytes, which is its alignment as well; 0 for a struct.
inline constexpr std::array<std::uint32_t, 14> kind_sizes{1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 1, 1, 4, 0};

constexpr std::string_view name_of(ElementKind kind) { return kind_names[static_cast<std::size_t>(kind)]; }
constexpr std::uint32_t size_of(ElementKind kind) { return kind_sizes[static_cast<std::size_t>(kind)]; }

} // namespace memshare::abi
