// Text that comes from outside, made or found fit to be shown.
#pragma once

#include <string>
#include <string_view>

namespace memshare::proto {

// The length of the well-formed sequence (Unicode 15, table 3-7) at the start of a text that is not empty; 0
// if there is none.
std::size_t utf8_sequence(std::string_view text);

// Appends a code point that is not a surrogate.
void append_utf8(std::string& text, char32_t code);

// Whether it is well-formed UTF-8.
bool is_utf8(std::string_view text);

// Whether it is well-formed UTF-8 without control characters (C0, DEL, C1): such text can be listed, logged
// and put on a terminal without surprises.
bool is_printable_utf8(std::string_view text);

// The text if it is printable, else the same with a question mark for every byte outside printable ASCII.
// At most `limit` bytes of it, cut before a character.
std::string printable(std::string_view text, std::size_t limit);

} // namespace memshare::proto
