// What whoever started the daemon gave it, and wants to hear from it. (sd_listen_fds(3), sd_notify(3))
#pragma once

#include "proto/fd.h"

#include <chrono>
#include <optional>
#include <vector>

namespace memshare::daemon {

// The sockets that were inherited, close-on-exec from here on. None, if the environment was meant for another
// process. An error, if one is not a Unix stream socket.
proto::Result<std::vector<proto::Fd>> inherited_sockets();

// Whether a service manager started this process.
bool is_run_by_service_manager();

// How long the service manager waits for a sign of life before it starts another; nothing, if it does not.
std::optional<std::chrono::microseconds> watchdog_time();

// Each says so to the service manager, if there is one that listens.
void tell_ready();
void tell_alive();
void tell_stopping();

} // namespace memshare::daemon
