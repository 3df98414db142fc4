#include "proto/json_writer.h"

#include <algorithm>

namespace memshare::proto {

void JsonWriter::quote(std::string_view text) {
    static constexpr std::string_view hex = "0123456789abcdef";
    const auto must_be_escaped = [](char c) { return c == '"' || c == '\\' || (c >= 0 && c < 0x20); };
    out_ += '"';
    while (true) {
        const auto special = std::ranges::find_if(text, must_be_escaped);
        out_.append(text.begin(), special);
        if (special == text.end()) {
            break;
        }
        if (*special == '"' || *special == '\\') {
            out_ += '\\';
            out_ += *special;
        } else {
            out_ += "\\u00";
            out_ += hex[static_cast<unsigned char>(*special) >> 4];
            out_ += hex[static_cast<unsigned char>(*special) & 0x0F];
        }
        text.remove_prefix(static_cast<std::size_t>(special - text.begin()) + 1);
    }
    out_ += '"';
}

} // namespace memshare::proto
