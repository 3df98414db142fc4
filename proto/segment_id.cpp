#include "proto/segment_id.h"

#include <sys/random.h>

#include <cstdlib>

namespace memshare::proto {
namespace {

bool dash_before(std::size_t byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

std::optional<std::uint8_t> digit(char c) {
    if (c >= '0' && c <= '9') {
        return static_cast<std::uint8_t>(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<std::uint8_t>(c - 'a' + 10);
    }
    if (c >= 'A' && c <= 'F') {
        return static_cast<std::uint8_t>(c - 'A' + 10);
    }
    return std::nullopt;
}

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
        const auto high = digit(text[at++]);
        const auto low = digit(text[at++]);
        if (!high || !low) {
            return std::nullopt;
        }
        id.bytes_[byte] = static_cast<std::uint8_t>(*high << 4 | *low);
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
