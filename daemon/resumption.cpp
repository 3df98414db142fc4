#include "daemon/resumption.h"

#include <poll.h>

namespace memshare::daemon {
namespace {

// What cannot be asked counts as ended: then only the same user may go on with the session.
bool has_ended(const Session& session) {
    if (session.process_fd == nullptr || !*session.process_fd) {
        return true;
    }
    pollfd process{.fd = session.process_fd->number(), .events = POLLIN, .revents = 0};
    return poll(&process, 1, 0) != 0;
}

} // namespace

// Before Linux 6.9 all processes have the same inode, and a pid is 0 for every process that the daemon cannot
// see, or another process's by now if the first has ended. Then the user has to be the same as well.
bool is_same_process(const Session& earlier, const Session& now) {
    if (earlier.process_inode != now.process_inode || earlier.pid != now.pid) {
        return false;
    }
    return earlier.caller.uid == now.caller.uid || (now.pid != 0 && !has_ended(earlier));
}

} // namespace memshare::daemon
