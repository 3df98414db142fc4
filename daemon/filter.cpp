#include "daemon/filter.h"

#include "proto/utf8.h"

#include <fnmatch.h>

namespace memshare::daemon {

proto::Answer<Filter> Filter::of(const Caller& caller, std::string pattern,
                                 std::optional<std::uint32_t> uid) {
    if (pattern.size() > proto::limits::name_bytes || !proto::is_printable_utf8(pattern)) {
        return std::unexpected(proto::InvalidParameter{"pattern"});
    }
    return Filter{.caller = caller, .pattern = std::move(pattern), .uid = uid};
}

bool Filter::takes(const Segment& segment) const {
    const Blueprint& is = segment.is;
    return segment.is_whole() && may(caller, proto::Access::read, is.rights) &&
           (!uid || *uid == is.rights.uid) &&
           (pattern.empty() || (is.name && fnmatch(pattern.c_str(), is.name->text().c_str(), 0) == 0));
}

} // namespace memshare::daemon
