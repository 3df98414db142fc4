// Runs the daemon's event loop: asleep when there is nothing to do, awake for a moment when there may be.
#pragma once

#include "daemon/step_clock.h"

#include <asio/io_context.hpp>

namespace memshare::daemon {

// Runs until the loop is stopped, and has each of its steps measured.
//
// To wake a sleeping daemon takes a client on another core some 30 us, more than the call itself. So after
// work the loop looks for more, without sleeping, for at most 50 us, as long as that has lately paid: as long
// as calls come that close together. With one processor it never does, and an idle daemon sleeps.
void run(asio::io_context& loop, StepClock& steps);

} // namespace memshare::daemon
