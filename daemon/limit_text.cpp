#include "daemon/limit_text.h"

#include <algorithm>
#include <charconv>

namespace memshare::daemon {

std::expected<std::uint64_t, std::string> read_limit(std::string_view text) {
    constexpr std::string_view units = "KMGT";
    constexpr std::string_view small_units = "kmgt";
    const auto wrong = [text](std::string_view why) {
        return std::unexpected("\"" + std::string(text) + "\" is no limit: " + std::string(why));
    };
    constexpr std::string_view form = "a whole number is asked for, after which K, M, G or T may stand";
    constexpr std::string_view too_large = "the largest is 9223372036854775807";
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure == std::errc::result_out_of_range) {
        return wrong(too_large);
    }
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    const bool has_useless_zero = text.size() - unit.size() > 1 && text.front() == '0';
    if (failure != std::errc() || has_useless_zero || unit.size() > 1) {
        return wrong(form);
    }
    if (!unit.empty()) {
        const auto power = std::min(units.find(unit), small_units.find(unit));
        if (power == std::string_view::npos) {
            return wrong(form);
        }
        const auto bits = 10 * (power + 1);
        if (number > most_of_a_limit >> bits) {
            return wrong(too_large);
        }
        number <<= bits;
    }
    return number <= most_of_a_limit ? std::expected<std::uint64_t, std::string>(number) : wrong(too_large);
}

} // namespace memshare::daemon
