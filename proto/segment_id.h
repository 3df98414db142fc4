// The identity of a segment: a UUID, which its creator may choose so that a call can be repeated safely.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace memshare::proto {

class SegmentId {
  public:
    static constexpr std::size_t text_size = 36;

    // From its text form: 32 hexadecimal digits in groups of 8-4-4-4-12. Nothing, if it is not that.
    static std::optional<SegmentId> parse(std::string_view text);

    // A new random one (RFC 9562, version 4).
    static SegmentId random();

    std::string text() const;

    friend bool operator==(const SegmentId&, const SegmentId&) = default;
    friend auto operator<=>(const SegmentId&, const SegmentId&) = default;

  private:
    friend std::hash<SegmentId>;

    std::array<std::uint8_t, 16> bytes_{};
};

} // namespace memshare::proto

// An id is chosen by its peer, and so could be its place in a table: the standard's string hash is not keyed,
// but a peer pays for its own collisions with its own quota of segments.
template <> struct std::hash<memshare::proto::SegmentId> {
    std::size_t operator()(const memshare::proto::SegmentId& id) const noexcept {
        return std::hash<std::string_view>{}(
            {reinterpret_cast<const char*>(id.bytes_.data()), id.bytes_.size()});
    }
};
