// Which of the processes that forked from each other this is.
#pragma once

#include <cstdint>

namespace memshare::client {

// A number that a forked child does not share with its parent, however it was forked: by fork(2), by clone(2)
// without the handlers of pthread_atfork(3), or in a signal handler. A process that has been forked since it
// asked last learns a new one. 0, if the kernel has no page to give, or cannot wipe it (before Linux 4.14):
// then all are the same.
std::uint64_t process_generation() noexcept;

} // namespace memshare::client
