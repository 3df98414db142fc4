#include "daemon/peer_socket.h"

#include "daemon/passed_descriptors.h"
#include "daemon/peer.h"

#include <sys/ioctl.h>

#include <utility>

namespace memshare::daemon {

PeerSocket::PeerSocket(proto::Fd socket, std::shared_ptr<SlowCloser> closer)
    : socket_(std::move(socket)), closer_(std::move(closer)) {
    if (!socket_) {
        return;
    }
    refuses_descriptors_ = refuse_descriptors(socket_.number());
    int unread = 0;
    can_hold_descriptors_ =
        !refuses_descriptors_ || ioctl(socket_.number(), FIONREAD, &unread) != 0 || unread != 0;
}

PeerSocket::~PeerSocket() {
    if (socket_ && can_hold_descriptors_ && holds_descriptors_at_its_end(socket_.number())) {
        const auto uid = Peer::user_of(socket_.number());
        closer_->close(uid ? *uid : 0, std::move(socket_));
    }
}

} // namespace memshare::daemon
