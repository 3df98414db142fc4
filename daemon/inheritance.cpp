#include "daemon/inheritance.h"

namespace memshare::daemon {

bool is_inherited(Registry& registry, const proto::Attach& call, Segment& segment) {
    if (call.inherited_from.empty() || !call.mapped || !call.id || call.name) {
        return false;
    }
    const Session* const from = registry.find_session_by_token(call.inherited_from);
    const auto attached =
        from != nullptr ? from->attachments.find(&segment) : Session::Attachments::const_iterator();
    if (from == nullptr || attached == from->attachments.end()) {
        return false;
    }
    const Attachment& attachment = attached->second;
    return attachment.writers > 0 || (call.access == proto::Access::read && attachment.readers > 0);
}

} // namespace memshare::daemon
