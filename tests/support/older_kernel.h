// An older kernel, as far as a process can tell.
#pragma once

namespace memshare::test {

// From here on this process, and each that it starts, is told that its sockets cannot refuse descriptors
// (SO_PASSRIGHTS), as by a kernel before Linux 6.16. Throws, if that cannot be arranged.
void pretend_that_sockets_take_all_descriptors();

// Whether this kernel's sockets can refuse them.
bool sockets_can_refuse_descriptors();

} // namespace memshare::test
