#include "client/ctl/terminal_text.h"

#include <algorithm>

namespace memshare::ctl {
namespace {

void append_hex(std::string& text, std::string_view prefix, char32_t code, int digits) {
    static constexpr std::string_view hex = "0123456789abcdef";
    text += prefix;
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
        text += hex[code >> shift & 0xF];
    }
}

bool is_surrogate(char32_t code) { return code >= 0xD800 && code < 0xE000; }

// Line separators, and the marks that reorder text or have no width: with them one name can look like
// another.
bool is_misleading(char32_t code) {
    return (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x206F) || code == 0x061C || code == 0xFEFF ||
           (code >= 0xE0000 && code <= 0xE007F);
}

bool is_safe(char32_t code) {
    return code >= 0x20 && (code < 0x7F || code >= 0xA0) && code <= 0x10FFFF && !is_surrogate(code) &&
           !is_misleading(code);
}

void append_utf8(std::string& text, char32_t code) {
    const auto tail = [&](unsigned shift) { text += static_cast<char>(0x80 | (code >> shift & 0x3F)); };
    if (code < 0x80) {
        text += static_cast<char>(code);
    } else if (code < 0x800) {
        text += static_cast<char>(0xC0 | code >> 6);
        tail(0);
    } else if (code < 0x10000) {
        text += static_cast<char>(0xE0 | code >> 12);
        tail(6);
        tail(0);
    } else {
        text += static_cast<char>(0xF0 | code >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

std::size_t length_by(unsigned char first) {
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xC2) {
        return 0; // a continuation, or an overlong form
    }
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
}

std::string escaped(std::string_view text, bool keeps_lines) {
    std::string safe;
    while (!text.empty()) {
        const CodePoint next = first_code_point(text);
        if (next.bytes == 0) {
            append_escaped_byte(safe, static_cast<unsigned char>(text[0]));
        } else if (keeps_lines && next.code == U'\n') {
            safe += '\n';
        } else {
            append_code_point(safe, next.code);
        }
        text.remove_prefix(std::max<std::size_t>(next.bytes, 1));
    }
    return safe;
}

} // namespace

CodePoint first_code_point(std::string_view text) {
    const std::size_t bytes = text.empty() ? 0 : length_by(static_cast<unsigned char>(text[0]));
    if (bytes == 0 || bytes > text.size()) {
        return {};
    }
    char32_t code = static_cast<unsigned char>(text[0]);
    code = bytes == 1 ? code : code & (0x7FU >> bytes);
    for (const char c : text.substr(1, bytes - 1)) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0U) != 0x80) {
            return {};
        }
        code = code << 6 | (byte & 0x3FU);
    }
    const bool is_overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
    return is_overlong || is_surrogate(code) || code > 0x10FFFF ? CodePoint{} : CodePoint{code, bytes};
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t bytes = first_code_point(text).bytes;
        if (bytes == 0) {
            return false;
        }
        text.remove_prefix(bytes);
    }
    return true;
}

void append_code_point(std::string& text, char32_t code) {
    if (is_safe(code)) {
        append_utf8(text, code);
    } else if (code < 0x80) {
        append_hex(text, "\\x", code, 2);
    } else if (code < 0x10000) {
        append_hex(text, "\\u", code, 4);
    } else {
        append_hex(text, "\\U", code, 8);
    }
}

void append_escaped_byte(std::string& text, unsigned char byte) { append_hex(text, "\\x", byte, 2); }

std::string on_one_line(std::string_view text) { return escaped(text, false); }
std::string on_lines(std::string_view text) { return escaped(text, true); }

} // namespace memshare::ctl
