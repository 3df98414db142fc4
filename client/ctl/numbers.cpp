#include "client/ctl/numbers.h"

#include <grp.h>

#include <charconv>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace memshare::ctl {
namespace {

constexpr std::uint32_t all_bits = 0666;

std::string quoted(std::string_view word) { return '"' + std::string(word) + '"'; }

template <typename T> std::optional<T> digits_of(std::string_view word, int base = 10) {
    T number{};
    const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), number, base);
    return failure == std::errc{} && end == word.data() + word.size() ? std::optional(number) : std::nullopt;
}

std::string elements_there_are(std::size_t count, const std::string& what) {
    return "this is a" + std::string(what.starts_with('a') ? "n " : " ") + what + ", with " +
           (count == 1 ? "the index 0 only" : "indices from 0 to " + std::to_string(count - 1));
}

// An end of a range may be the count itself.
std::size_t end_of(std::string_view word, std::size_t missing, std::size_t count, const std::string& what) {
    if (word.empty()) {
        return missing;
    }
    const auto index = digits_of<std::size_t>(word);
    if (!index || *index > count) {
        throw std::invalid_argument(
            quoted(word) + " is not an end of a range here: " + elements_there_are(count, what) +
            "; the last of a range may be " + std::to_string(count) + ", as it is not included");
    }
    return *index;
}

} // namespace

std::uint64_t whole_number(const std::string& word, std::uint64_t least, std::uint64_t most) {
    const auto number = digits_of<std::uint64_t>(word);
    if (!number || *number < least || *number > most) {
        throw std::invalid_argument(quoted(word) + " is not a whole number from " + std::to_string(least) +
                                    " to " + std::to_string(most));
    }
    return *number;
}

Shape shape_of(const std::string& word) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    Shape shape;
    for (std::size_t begin = 0; begin <= word.size();) {
        const std::size_t comma = std::min(word.find(',', begin), word.size());
        const std::uint64_t dimension = whole_number(word.substr(begin, comma - begin), 1, most);
        if (dimension > most / shape.product) {
            throw std::invalid_argument(quoted(word) + " has more than " + std::to_string(most) +
                                        " elements");
        }
        shape.product *= dimension;
        shape.dimensions.push_back(dimension);
        begin = comma + 1;
    }
    return shape;
}

Range Range::of(const std::string& word, std::size_t count, const std::string& what) {
    const std::size_t colon = word.find(':');
    if (colon == std::string::npos) {
        const auto index = digits_of<std::size_t>(word);
        if (!index || *index >= count) {
            throw std::invalid_argument("index " + word +
                                        " is not there: " + elements_there_are(count, what) +
                                        "; a range of them is FIRST:LAST, without the last");
        }
        return {.first = *index, .last = *index + 1, .is_one = true};
    }
    const auto ends = std::string_view(word);
    const Range range{.first = end_of(ends.substr(0, colon), 0, count, what),
                      .last = end_of(ends.substr(colon + 1), count, count, what)};
    if (range.first > range.last) {
        throw std::invalid_argument("range " + quoted(word) +
                                    " ends before it begins: say the smaller index first");
    }
    return range;
}

std::uint32_t mode_of(const std::string& octal) {
    const auto mode = digits_of<std::uint32_t>(octal, 8);
    if (!mode || (*mode & ~all_bits) != 0) {
        throw std::invalid_argument(quoted(octal) +
                                    " is not a mode in octal with read and write bits only, "
                                    "from 0 to 0666, such as 0640");
    }
    return *mode;
}

std::uint32_t group_of(const std::string& name_or_number) {
    if (const group* known = getgrnam(name_or_number.c_str())) {
        return known->gr_gid;
    }
    constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max(); // (gid_t)-1
    const auto gid = digits_of<std::uint32_t>(name_or_number);
    if (!gid || *gid == none) {
        throw std::invalid_argument("there is no group " + quoted(name_or_number) +
                                    ": say the name of one or its number (see id -G)");
    }
    return *gid;
}

} // namespace memshare::ctl
