#include "proto/segment_id.h"

#include <sys/random.h>

#include <cstdlib>

namespace memshare::proto {
namespace {

bool dash_before(std::size_t byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

constexpr std::uint8_t no_digit = 0xFF;

// What each character stands for as a hexadecimal digit.
constexpr std::array<std::uint8_t, 256> digit = [] {
    std::array<std::uint8_t, 256> all{};
    all.fill(no_digit);
    for (std::uint8_t value = 0; value < 10; ++value) {
        all[std::size_t{'0'} + value] = value;
    }
    for (std::uint8_t value = 10; value < 16; ++value) {
        all[std::size_t{'a'} + value - 10] = all[std::size_t{'A'} + value - 10] = value;
    }
    return all;
}();

} // namespace

std::optional<SegmentId> SegmentId::parse(std::string_view text) {
    if (text.size() != text_size) {
        return std::nullopt;
    }
    SegmentId id;
    std::size_t at = 0;
    for (std::size_t byte = 0; byte < id.bytes_.size(); ++byte) {
        if (dash_before(byte) && text[at++] != '-') {
            return std::nullopt;
        }
        const std::uint8_t high = digit[static_cast<std::uint8_t>(text[at++])];
        const std::uint8_t low = digit[static_cast<std::uint8_t>(text[at++])];
        if (high == no_digit || low == no_digit) {
            return std::nullopt;
        }
        id.bytes_[byte] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return id;
}

SegmentId SegmentId::random() {
    SegmentId id;
    // Up to 256 bytes getrandom(2) gives whole once the kernel is seeded, and waits for that; it fails only
    // where it does not exist.
    if (getrandom(id.bytes_.data(), id.bytes_.size(), 0) != static_cast<ssize_t>(id.bytes_.size())) {
        std::abort();
    }
    id.bytes_[6] = static_cast<std::uint8_t>((id.bytes_[6] & 0x0F) | 0x40);
    id.bytes_[8] = static_cast<std::uint8_t>((id.bytes_[8] & 0x3F) | 0x80);
    return id;
}

std::string SegmentId::text() const {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text(text_size, '-');
    std::size_t at = 0;
    for (std::size_t byte = 0; byte < bytes_.size(); ++byte) {
        at += dash_before(byte) ? 1U : 0U;
        text[at++] = digits[bytes_[byte] >> 4];
        text[at++] = digits[bytes_[byte] & 0x0F];
    }
    return text;
}

} // namespace memshare::proto
