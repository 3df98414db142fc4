#include "daemon/filter.h"

#include "proto/utf8.h"

namespace memshare::daemon {

proto::Answer<Filter> Filter::of(const Caller& caller, std::string pattern,
                                 std::optional<std::uint32_t> uid) {
    if (pattern.size() > proto::limits::name_bytes || !proto::is_printable_utf8(pattern)) {
        return std::unexpected(proto::InvalidParameter{"pattern"});
    }
    auto compiled = pattern.empty() ? nullptr : std::make_shared<const Pattern>(pattern);
    return Filter{
        .caller = caller, .pattern = std::move(pattern), .uid = uid, .compiled = std::move(compiled)};
}

bool Filter::may_take(const Segment& segment) const {
    return segment.is_whole() && may(caller, proto::Access::read, segment.is.rights) &&
           (!uid || *uid == segment.is.rights.uid);
}

bool Filter::matches(const Segment& segment) const {
    return compiled == nullptr || (segment.is.name && compiled->matches(segment.is.name->text()));
}

} // namespace memshare::daemon
