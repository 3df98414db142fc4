#include "client/ctl/elements.h"

#include "client/ctl/kinds.h"
#include "client/ctl/terminal_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstring>

namespace memshare::ctl {
namespace {

template <typename T> T read(std::span<const std::byte> bytes) {
    T value;
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
}
template <> bool read(std::span<const std::byte> bytes) { return bytes[0] != std::byte{0}; }

void append_quoted(std::string& text, char32_t code) {
    if (code == U'"' || code == U'\\') {
        text += '\\';
    }
    append_code_point(text, code);
}

std::size_t count_without_nuls(std::span<const std::byte> bytes, std::size_t size) {
    while (bytes.size() >= size &&
           std::ranges::all_of(bytes.last(size), [](std::byte byte) { return byte == std::byte{0}; })) {
        bytes = bytes.first(bytes.size() - size);
    }
    return bytes.size() / size;
}

// A copy of the next bytes: the memory may change between two looks.
std::string_view next_bytes(std::span<const std::byte> bytes, std::array<char, 4>& copy) {
    const std::size_t size = std::min(bytes.size(), copy.size());
    std::memcpy(copy.data(), bytes.data(), size);
    return {copy.data(), size};
}

void append_bytes_as_text(std::string& text, std::span<const std::byte> bytes, const Drain& drain) {
    while (!bytes.empty()) {
        std::array<char, 4> copy{};
        const std::string_view next = next_bytes(bytes, copy);
        const CodePoint point = first_code_point(next);
        if (point.bytes == 0) {
            append_escaped_byte(text, static_cast<unsigned char>(next[0]));
        } else {
            append_quoted(text, point.code);
        }
        bytes = bytes.subspan(std::max<std::size_t>(point.bytes, 1));
        drain(text);
    }
}

void append_text(std::string& text, ElementKind kind, std::span<const std::byte> bytes, const Drain& drain) {
    const std::size_t size = abi::size_of(kind);
    const auto used = bytes.first(count_without_nuls(bytes, size) * size);
    text += '"';
    if (kind == ElementKind::character) {
        append_bytes_as_text(text, used, drain);
    } else {
        for (std::size_t at = 0; at < used.size(); at += size) {
            append_quoted(text, read<char32_t>(used.subspan(at)));
            drain(text);
        }
    }
    text += '"';
}

void append_plain(std::string& text, ElementKind kind, std::span<const std::byte> bytes) {
    with_type(kind, [&]<typename T>(T) {
        const T value = read<T>(bytes);
        if constexpr (std::same_as<T, bool>) {
            text += value ? "true" : "false";
        } else if constexpr (std::same_as<T, char> || std::same_as<T, char32_t>) {
            text += '"';
            if (std::same_as<T, char> && static_cast<unsigned char>(value) >= 0x80) {
                append_escaped_byte(text, static_cast<unsigned char>(value));
            } else {
                append_quoted(text, static_cast<char32_t>(value));
            }
            text += '"';
        } else {
            std::array<char, 32> digits{};
            text.append(digits.data(), std::to_chars(digits.begin(), digits.end(), value).ptr);
        }
    });
}

void append_hexadecimal(std::string& text, std::span<const std::byte> bytes) {
    static constexpr std::string_view hex = "0123456789abcdef";
    text += "0x";
    for (const std::byte byte : bytes) {
        text += hex[std::to_integer<unsigned>(byte) >> 4];
        text += hex[std::to_integer<unsigned>(byte) & 0xF];
    }
}

void append_fields(std::string& text, const Element& element, std::span<const std::byte> bytes) {
    text += '{';
    for (const Field& field : element.fields) {
        const std::uint32_t size = abi::size_of(field.kind);
        const Element item{.kind = field.kind, .size = size, .alignment = size, .name = {}, .fields = {}};
        const auto part = bytes.subspan(field.offset, std::size_t{field.count} * size);
        text += (&field == &element.fields.front() ? "" : ", ") + on_one_line(field.name) + ": ";
        if (field.count == 1) {
            append_element(text, item, part);
        } else {
            append_elements(text, item, part, [](std::string&) {});
        }
    }
    text += '}';
}

} // namespace

void append_element(std::string& text, const Element& element, std::span<const std::byte> bytes) {
    if (element.kind != ElementKind::structure) {
        append_plain(text, element.kind, bytes);
    } else if (element.fields.empty()) {
        append_hexadecimal(text, bytes.first(element.size));
    } else {
        append_fields(text, element, bytes);
    }
}

void append_elements(std::string& text, const Element& element, std::span<const std::byte> bytes,
                     const Drain& drain) {
    if (is_text(element.kind)) {
        append_text(text, element.kind, bytes, drain);
        return;
    }
    text += '[';
    for (std::size_t at = 0; at + element.size <= bytes.size(); at += element.size) {
        text += at == 0 ? "" : ", ";
        append_element(text, element, bytes.subspan(at, element.size));
        drain(text);
    }
    text += ']';
}

} // namespace memshare::ctl
