#include "client/ctl/elements.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace memshare::ctl {
namespace {

// Calls with a value of the C++ type that a kind stands for.
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
    throw std::invalid_argument("this element has no text");
}

void append_utf8(std::string& text, char32_t code) {
    const auto tail = [&](unsigned shift) { text += static_cast<char>(0x80 | (code >> shift & 0x3F)); };
    if (code < 0x80) {
        text += static_cast<char>(code);
    } else if (code < 0x800) {
        text += static_cast<char>(0xC0 | code >> 6);
        tail(0);
    } else if (code < 0x10000) {
        text += static_cast<char>(0xE0 | code >> 12);
        tail(6);
        tail(0);
    } else {
        text += static_cast<char>(0xF0 | (code >> 18 & 7));
        tail(12);
        tail(6);
        tail(0);
    }
}

// What a terminal must not be sent is shown as an escape; other processes can have put anything there.
void append_character(std::string& text, char32_t code, bool is_byte) {
    static constexpr std::string_view hex = "0123456789abcdef";
    const bool strange = code < 0x20 || (code >= 0x7F && code < 0xA0) || (is_byte && code >= 0x80) ||
                         (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF;
    if (code == U'"' || code == U'\\') {
        text += '\\';
    }
    if (!strange) {
        append_utf8(text, code);
        return;
    }
    text += is_byte ? "\\x" : "\\U";
    for (int shift = is_byte ? 4 : 28; shift >= 0; shift -= 4) {
        text += hex[code >> shift & 0xF];
    }
}

char32_t code_of(char character) { return static_cast<unsigned char>(character); }
char32_t code_of(char32_t character) { return character; }

template <typename T> T read(std::span<const std::byte> bytes) {
    T value;
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
}
template <> bool read(std::span<const std::byte> bytes) { return bytes[0] != std::byte{0}; }

std::string plain_text(ElementKind kind, std::span<const std::byte> bytes) {
    return with_type(kind, [&]<typename T>(T) {
        const T value = read<T>(bytes);
        if constexpr (std::same_as<T, bool>) {
            return std::string(value ? "true" : "false");
        } else if constexpr (std::same_as<T, char> || std::same_as<T, char32_t>) {
            std::string text = "\"";
            append_character(text, code_of(value), std::same_as<T, char>);
            return text + '"';
        } else {
            std::array<char, 32> digits{};
            return std::string(digits.data(), std::to_chars(digits.begin(), digits.end(), value).ptr);
        }
    });
}

template <typename T> std::string quoted_text(std::span<const std::byte> bytes) {
    std::vector<T> characters(bytes.size() / sizeof(T));
    std::memcpy(characters.data(), bytes.data(), characters.size() * sizeof(T));
    while (!characters.empty() && characters.back() == T{}) {
        characters.pop_back();
    }
    std::string text = "\"";
    for (const T character : characters) {
        append_character(text, code_of(character), std::same_as<T, char>);
    }
    return text + '"';
}

std::string hexadecimal(std::span<const std::byte> bytes) {
    static constexpr std::string_view hex = "0123456789abcdef";
    std::string text = "0x";
    for (const std::byte byte : bytes) {
        text += hex[std::to_integer<unsigned>(byte) >> 4];
        text += hex[std::to_integer<unsigned>(byte) & 0xF];
    }
    return text;
}

Element element_of_field(const Field& field) {
    const std::uint32_t size = abi::size_of(field.kind);
    return {.kind = field.kind, .size = size, .alignment = size, .name = {}, .fields = {}};
}

template <typename T> T number_of(const std::string& word) {
    T value{};
    const char* const end = word.data() + word.size();
    const auto [stopped, failure] = std::from_chars(word.data(), end, value);
    if (failure == std::errc::result_out_of_range) {
        throw std::invalid_argument('"' + word + "\" is out of range");
    }
    if (failure != std::errc{} || stopped != end) {
        throw std::invalid_argument('"' + word + "\" is not a number of this kind");
    }
    return value;
}

bool bool_of(const std::string& word) {
    if (word != "true" && word != "false" && word != "1" && word != "0") {
        throw std::invalid_argument('"' + word + "\" is neither true nor false");
    }
    return word == "true" || word == "1";
}

// The code points of UTF-8 text; a byte that is none of it stands for itself.
std::u32string code_points(std::string_view text) {
    std::u32string codes;
    while (!text.empty()) {
        const auto first = static_cast<unsigned char>(text[0]);
        const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
        char32_t code = length == 1 ? first : first & (0x7FU >> length);
        for (std::size_t at = 1; at < length && at < text.size(); ++at) {
            code = code << 6 | (static_cast<unsigned char>(text[at]) & 0x3FU);
        }
        codes += code;
        text.remove_prefix(std::min(length, text.size()));
    }
    return codes;
}

void append(std::vector<std::byte>& bytes, const auto& value) {
    const auto more = std::as_bytes(std::span(&value, 1));
    bytes.insert(bytes.end(), more.begin(), more.end());
}

void append_word(std::vector<std::byte>& bytes, ElementKind kind, const std::string& word) {
    with_type(kind, [&]<typename T>(T) {
        if constexpr (std::same_as<T, bool>) {
            append(bytes, bool_of(word));
        } else if constexpr (std::same_as<T, char>) {
            std::ranges::for_each(word, [&](char c) { append(bytes, c); });
        } else if constexpr (std::same_as<T, char32_t>) {
            std::ranges::for_each(code_points(word), [&](char32_t c) { append(bytes, c); });
        } else {
            append(bytes, number_of<T>(word));
        }
    });
}

void set_field(std::vector<std::byte>& bytes, const Element& element, const std::string& word) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const auto field = std::ranges::find(element.fields, name, &Field::name);
    if (equals == std::string::npos || field == element.fields.end()) {
        throw std::invalid_argument('"' + word + "\" does not set a field of this struct: say FIELD=VALUE");
    }
    std::vector<std::byte> value;
    append_word(value, field->kind, word.substr(equals + 1));
    if (value.size() > std::size_t{field->count} * abi::size_of(field->kind)) {
        throw std::invalid_argument('"' + word + "\" is too long for the field");
    }
    std::ranges::copy(value, bytes.begin() + field->offset);
}

} // namespace

std::string element_text(const Element& element, std::span<const std::byte> bytes) {
    if (element.kind != ElementKind::structure) {
        return plain_text(element.kind, bytes);
    }
    if (element.fields.empty()) {
        return hexadecimal(bytes.first(element.size));
    }
    std::string text;
    for (const Field& field : element.fields) {
        const Element of_field = element_of_field(field);
        const auto part = bytes.subspan(field.offset, std::size_t{field.count} * of_field.size);
        text += (text.empty() ? "{" : ", ") + field.name + ": " +
                (field.count == 1 ? element_text(of_field, part) : elements_text(of_field, part));
    }
    return text + '}';
}

std::string elements_text(const Element& element, std::span<const std::byte> bytes) {
    if (element.kind == ElementKind::character) {
        return quoted_text<char>(bytes);
    }
    if (element.kind == ElementKind::wide_character) {
        return quoted_text<char32_t>(bytes);
    }
    std::string text = "[";
    for (; bytes.size() >= element.size; bytes = bytes.subspan(element.size)) {
        text += (text.size() == 1 ? "" : ", ") + element_text(element, bytes.first(element.size));
    }
    return text + ']';
}

std::vector<std::byte> elements_of(const Element& element, std::span<const std::string> words,
                                   std::span<const std::byte> before) {
    std::vector<std::byte> bytes;
    if (element.kind == ElementKind::structure) {
        bytes.assign(before.begin(), before.begin() + element.size);
    }
    for (const std::string& word : words) {
        if (element.kind == ElementKind::structure) {
            set_field(bytes, element, word);
        } else {
            append_word(bytes, element.kind, word);
        }
    }
    return bytes;
}

} // namespace memshare::ctl
