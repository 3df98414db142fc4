#include "proto/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace memshare::proto {
namespace {

// Likewise, and 0 if it is a control character.
std::size_t printable_sequence(std::string_view text) {
    const auto first = static_cast<std::uint8_t>(text[0]);
    const bool ascii_control = first < 0x20 || first == 0x7F;
    const std::size_t length = ascii_control ? 0 : utf8_sequence(text);
    const bool late_control = length == 2 && first == 0xC2 && static_cast<std::uint8_t>(text[1]) < 0xA0;
    return late_control ? 0 : length;
}

} // namespace

std::size_t utf8_sequence(std::string_view text) {
    const auto continues = [&](std::size_t at, std::uint8_t low = 0x80, std::uint8_t high = 0xBF) {
        return at < text.size() && static_cast<std::uint8_t>(text[at]) >= low &&
               static_cast<std::uint8_t>(text[at]) <= high;
    };
    const auto first = static_cast<std::uint8_t>(text[0]);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return continues(1) ? 2 : 0;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        const std::uint8_t low = first == 0xE0 ? 0xA0 : 0x80;
        const std::uint8_t high = first == 0xED ? 0x9F : 0xBF; // no surrogates
        return continues(1, low, high) && continues(2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const std::uint8_t low = first == 0xF0 ? 0x90 : 0x80;
        const std::uint8_t high = first == 0xF4 ? 0x8F : 0xBF;
        return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
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
        text += static_cast<char>(0xF0 | code >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto ascii = std::ranges::find_if(text, [](char byte) { return (byte & '\x80') != 0; });
        text.remove_prefix(static_cast<std::size_t>(ascii - text.begin()));
        const std::size_t length = text.empty() ? 0 : utf8_sequence(text);
        if (length == 0) {
            return text.empty();
        }
        text.remove_prefix(length);
    }
    return true;
}

bool is_printable_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = printable_sequence(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

std::string printable(std::string_view text, std::size_t limit) {
    std::string result;
    while (!text.empty()) {
        const std::size_t length = printable_sequence(text);
        const std::size_t taken = length == 0 ? 1 : length;
        if (taken > limit - result.size()) {
            break;
        }
        result += length == 0 ? std::string_view("?") : text.substr(0, taken);
        text.remove_prefix(taken);
    }
    return result;
}

} // namespace memshare::proto
