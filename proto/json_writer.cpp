#include "proto/json_writer.h"

namespace memshare::proto {

void JsonWriter::quote(std::string_view text) {
    const auto must_be_escaped = [](char c) { return c == '"' || c == '\\' || (c >= 0 && c < 0x20); };
    out_ += '"';
    while (true) {
        std::size_t plain = 0;
        while (plain < text.size() && !must_be_escaped(text[plain])) {
            ++plain;
        }
        out_.append(text.substr(0, plain));
        if (plain == text.size()) {
            break;
        }
        escape(text[plain]);
        text.remove_prefix(plain + 1);
    }
    out_ += '"';
}

void JsonWriter::escape(char special) {
    static constexpr std::string_view hex = "0123456789abcdef";
    if (special == '"' || special == '\\') {
        out_ += '\\';
        out_ += special;
    } else {
        out_ += "\\u00";
        out_ += hex[static_cast<unsigned char>(special) >> 4];
        out_ += hex[static_cast<unsigned char>(special) & 0x0F];
    }
}

} // namespace memshare::proto
