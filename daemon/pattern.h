// A shell pattern of names, which is matched in a time that the lengths alone bound. Pure.
#pragma once

#include "proto/limits.h"

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>

namespace memshare::daemon {

// Means what fnmatch(3) without flags means in the C locale: * is any text, ? any byte, [a-z], [!a] and
// [[:digit:]] one byte of a set, and a backslash takes the meaning from the character after it. A bracket
// without its end stands for itself.
//
// fnmatch() tries again for each *, and reads a bracket anew for each byte: a pattern of 220 bytes can take
// it milliseconds a name. This one runs through the name once, with all places of the pattern that it can be
// at in a bitset: some 1 us for the longest name.
class Pattern {
  public:
    // Of no more than proto::limits::name_bytes.
    explicit Pattern(std::string_view text);

    bool matches(std::string_view name) const;

  private:
    static constexpr std::size_t words = 4;
    static_assert(words * 64 > proto::limits::name_bytes); // a place before each part, and one after the last
    using Places = std::array<std::uint64_t, words>;

    void add(const std::bitset<256>& accepted);

    std::array<Places, 256> accepts_{}; // by byte: the places where the next part takes it
    Places stays_{};                    // where a * takes any byte
    std::size_t last_ = 0;              // the place after the last part
    bool never_ = false;                // a bracket is wrong in itself
};

} // namespace memshare::daemon
