#include "proto/utf8.h"

#include <cstddef>
#include <cstdint>

namespace memshare::proto {
namespace {

// The length of the well-formed sequence at the start of the text (Unicode 15, table 3-7), and 0 if there is
// none or if it is a control character.
std::size_t printable_sequence(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
    const auto continues = [&](std::size_t at, std::uint8_t low = 0x80, std::uint8_t high = 0xBF) {
        return at < text.size() && byte(at) >= low && byte(at) <= high;
    };
    const std::uint8_t first = byte(0);
    if (first < 0x80) {
        return first >= 0x20 && first != 0x7F ? 1 : 0;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return continues(1, first == 0xC2 ? 0xA0 : 0x80) ? 2 : 0; // U+0080 to U+009F are controls
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

} // namespace

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
