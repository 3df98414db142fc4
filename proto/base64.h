// Bytes as text (RFC 4648, section 4, with padding), for the initial contents of a segment.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace memshare::proto {

std::string to_base64(std::span<const std::byte> bytes);

// Nothing, if the text is not base64 in its one canonical form.
std::optional<std::vector<std::byte>> from_base64(std::string_view text);

} // namespace memshare::proto
