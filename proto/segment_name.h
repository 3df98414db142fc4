// The name of a segment: 1 to 255 bytes of UTF-8 without control characters. Slashes at its start do not
// count, as for shm_open(3): "/cam" and "cam" are one name, which is "cam".
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace memshare::proto {

// The text as a name has it; also of a pattern for names.
std::string_view without_leading_slashes(std::string_view text);

class SegmentName {
  public:
    // Nothing, if the text cannot be a name.
    static std::optional<SegmentName> parse(std::string_view text);

    const std::string& text() const { return text_; }

    friend bool operator==(const SegmentName&, const SegmentName&) = default;
    friend auto operator<=>(const SegmentName&, const SegmentName&) = default;

  private:
    explicit SegmentName(std::string_view text) : text_(text) {}

    std::string text_;
};

} // namespace memshare::proto

template <> struct std::hash<memshare::proto::SegmentName> {
    std::size_t operator()(const memshare::proto::SegmentName& name) const noexcept {
        return std::hash<std::string>{}(name.text());
    }
};
