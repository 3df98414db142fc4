#include "proto/segment_name.h"

#include "proto/limits.h"
#include "proto/utf8.h"

namespace memshare::proto {

std::optional<SegmentName> SegmentName::parse(std::string_view text) {
    if (text.empty() || text.size() > limits::name_bytes || !is_printable_utf8(text)) {
        return std::nullopt;
    }
    return SegmentName(text);
}

} // namespace memshare::proto
