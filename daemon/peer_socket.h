// The daemon's end of a connection. Nothing that a peer has sent makes anybody wait when it is closed.
#pragma once

#include "daemon/slow_closer.h"
#include "proto/fd.h"

#include <memory>

namespace memshare::daemon {

class PeerSocket {
  public:
    // Takes a connected socket, or none; descriptors are refused at it from here on, where the kernel can.
    PeerSocket(proto::Fd socket, std::shared_ptr<SlowCloser> closer);
    PeerSocket(PeerSocket&&) noexcept = default;
    PeerSocket& operator=(PeerSocket&&) = delete;
    PeerSocket(const PeerSocket&) = delete;
    PeerSocket& operator=(const PeerSocket&) = delete;
    ~PeerSocket();

    explicit operator bool() const { return static_cast<bool>(socket_); }
    int number() const { return socket_.number(); } // borrowed

    // Whether the kernel refuses descriptors here. Some may have come before that: until all that had come is
    // read, that is looked at.
    bool refuses_descriptors() const { return refuses_descriptors_; }
    void all_is_read() { can_hold_descriptors_ = !refuses_descriptors_; }
    bool can_hold_descriptors() const { return can_hold_descriptors_; }

  private:
    proto::Fd socket_;
    std::shared_ptr<SlowCloser> closer_;
    bool refuses_descriptors_ = false;
    bool can_hold_descriptors_ = true;
};

} // namespace memshare::daemon
