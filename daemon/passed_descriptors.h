// Descriptors that a peer passes over a Unix socket. The daemon wants none: some take long to close, as a TCP
// socket with SO_LINGER does, and the peer chooses how long.
#pragma once

namespace memshare::daemon {

// Has the kernel refuse descriptors at this socket from here on, and at each connection that comes of it:
// sendmsg(2) then fails with EPERM. False, where the kernel cannot (before Linux 6.16).
bool refuse_descriptors(int socket);

// Whether closing this connected socket may close descriptors of the peer's. Ends the connection in both
// directions, so that no more can come, and throws away what was not received.
bool holds_descriptors_at_its_end(int socket);

} // namespace memshare::daemon
