#include "proto/segment_name.h"

#include "proto/limits.h"
#include "proto/utf8.h"

#include <algorithm>

namespace memshare::proto {

std::string_view without_leading_slashes(std::string_view text) {
    return text.substr(std::min(text.find_first_not_of('/'), text.size()));
}

std::optional<SegmentName> SegmentName::parse(std::string_view text) {
    text = without_leading_slashes(text);
    if (text.empty() || text.size() > limits::name_bytes || !is_printable_utf8(text)) {
        return std::nullopt;
    }
    return SegmentName(text);
}

} // namespace memshare::proto
