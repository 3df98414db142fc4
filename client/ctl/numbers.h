// Whole numbers, indices, ranges, modes and groups of a command line. All throw std::invalid_argument with a
// sentence that says the word, the limit and what is accepted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace memshare::ctl {

// Decimal digits only, with a value from `least` to `most`.
std::uint64_t whole_number(const std::string& word, std::uint64_t least, std::uint64_t most);

// "3,4": dimensions of 1 and more, and their product.
struct Shape {
    std::vector<std::uint64_t> dimensions;
    std::uint64_t product = 1;
};
Shape shape_of(const std::string& word);

// A part of an array: "3", "2:5", ":5", "2:" (as in Python: from the first up to, without, the last).
struct Range {
    std::size_t first = 0, last = 0;
    bool is_one = false;

    // `count` is how many elements there are; `what` says it, as "array of 5 i32".
    static Range of(const std::string& word, std::size_t count, const std::string& what);
};

// Read and write bits in octal, "0640".
std::uint32_t mode_of(const std::string& octal);

// A group by its name or number.
std::uint32_t group_of(const std::string& name_or_number);

} // namespace memshare::ctl
