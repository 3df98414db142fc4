// Calls for the C++ type of each kind of element.
#pragma once

#include <memshare/element.hpp>

#include <cstdint>
#include <stdexcept>

namespace memshare::ctl {

// Calls with a value of the C++ type of a kind. Throws std::invalid_argument for a struct.
auto with_type(ElementKind kind, auto call) {
    switch (kind) {
        case ElementKind::i8:
            return call(std::int8_t{});
        case ElementKind::u8:
            return call(std::uint8_t{});
        case ElementKind::i16:
            return call(std::int16_t{});
        case ElementKind::u16:
            return call(std::uint16_t{});
        case ElementKind::i32:
            return call(std::int32_t{});
        case ElementKind::u32:
            return call(std::uint32_t{});
        case ElementKind::i64:
            return call(std::int64_t{});
        case ElementKind::u64:
            return call(std::uint64_t{});
        case ElementKind::f32:
            return call(float{});
        case ElementKind::f64:
            return call(double{});
        case ElementKind::boolean:
            return call(bool{});
        case ElementKind::character:
            return call(char{});
        case ElementKind::wide_character:
            return call(char32_t{});
        case ElementKind::structure:
            break;
    }
    throw std::invalid_argument("a struct has no value of its own, only fields");
}

// Whether several elements of the kind are one text.
constexpr bool is_text(ElementKind kind) {
    return kind == ElementKind::character || kind == ElementKind::wide_character;
}

} // namespace memshare::ctl
