// Text from other processes, made safe to print on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace memshare::ctl {

// One code point at the start of a UTF-8 text. `bytes` is 0 if the text does not start with valid UTF-8.
struct CodePoint {
    char32_t code = 0;
    std::size_t bytes = 0;
};
CodePoint first_code_point(std::string_view text);

bool is_utf8(std::string_view text);

// Appends a code point as UTF-8, or as an escape (\x1b, \u202e, \U0010ffff) if a terminal could obey it or
// print it misleadingly, or if it is no character.
void append_code_point(std::string& text, char32_t code);

// Appends one byte as an escape: \x1b.
void append_escaped_byte(std::string& text, unsigned char byte);

// The text with each unsafe character and each byte that is not UTF-8 as an escape. Backslashes stay single.
std::string on_one_line(std::string_view text);

// The same, except that line feeds stay.
std::string on_lines(std::string_view text);

} // namespace memshare::ctl
