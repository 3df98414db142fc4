#include "proto/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace memshare::proto {
namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xFF;

constexpr std::array<std::uint8_t, 256> digit_values = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(no_digit);
    for (std::size_t value = 0; value < digits.size(); ++value) {
        values[static_cast<std::uint8_t>(digits[value])] = static_cast<std::uint8_t>(value);
    }
    return values;
}();

} // namespace

std::string to_base64(std::span<const std::byte> bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::size_t>(3, bytes.size()))) {
        const auto byte = [&](std::size_t at) {
            return at < bytes.size() ? std::to_integer<std::uint32_t>(bytes[at]) : 0;
        };
        const std::uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
        text += digits[group >> 18];
        text += digits[group >> 12 & 63];
        text += bytes.size() > 1 ? digits[group >> 6 & 63] : '=';
        text += bytes.size() > 2 ? digits[group & 63] : '=';
    }
    return text;
}

std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    text.remove_suffix(padding);
    std::vector<std::byte> bytes;
    bytes.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    unsigned held = 0; // how many of the low bits are not yet given out
    for (const char c : text) {
        const std::uint8_t value = digit_values[static_cast<std::uint8_t>(c)];
        if (value == no_digit) {
            return std::nullopt;
        }
        bits = bits << 6 | value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes.push_back(static_cast<std::byte>(bits >> held & 0xFF));
        }
    }
    const bool canonical = (bits & ((1U << held) - 1)) == 0;
    return canonical ? std::optional(std::move(bytes)) : std::nullopt;
}

} // namespace memshare::proto
