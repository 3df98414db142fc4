#include "daemon/access.h"

namespace memshare::daemon {

bool may(const Caller& caller, proto::Access access, const Rights& rights) {
    if (caller.uid == 0) {
        return true;
    }
    const unsigned shift = caller.uid == rights.uid ? 6 : caller.is_in_group(rights.gid) ? 3 : 0;
    const std::uint32_t needed = access == proto::Access::read ? 04 : 06;
    return (rights.mode >> shift & needed) == needed;
}

bool owns(const Caller& caller, const Rights& rights) { return caller.uid == 0 || caller.uid == rights.uid; }

bool may_give_to(const Caller& caller, std::uint32_t gid) {
    return caller.uid == 0 || caller.is_in_group(gid);
}

} // namespace memshare::daemon
