// A limit as a person writes it: 512, 64K, 1T.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace memshare::daemon {

// A whole number, after which K, M, G or T may stand for 1024, 1024 times 1024, and so on. An error, as a
// sentence, for anything else, and for more than `most_of_a_limit`: no text means that there is no limit.
inline constexpr std::uint64_t most_of_a_limit = (std::uint64_t{1} << 63) - 1; // what JSON readers take
std::expected<std::uint64_t, std::string> read_limit(std::string_view text);

} // namespace memshare::daemon
