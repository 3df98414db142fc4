// What whoever started the daemon gave it, and wants to hear from it. (sd_listen_fds(3), sd_notify(3))
#pragma once

#include "proto/fd.h"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace memshare::daemon {

// What was inherited, close-on-exec from here on: nothing, if the environment was meant for another process.
using KeptDescriptors = std::multimap<std::string, proto::Fd, std::less<>>;
struct Inherited {
    std::vector<proto::Fd> sockets; // where clients are or will be
    KeptDescriptors kept;           // what an earlier process had kept, by its names
};

// An error, if what is not kept is not a Unix stream socket.
proto::Result<Inherited> inherited_descriptors();

// Whether there is somebody who keeps descriptors for the next process. (Who cannot ignores that it is
// asked.)
bool can_keep();

// Has borrowed descriptors kept, from the moment on that it is heard; names of ours begin with this. An
// error, if it cannot be told.
inline constexpr std::string_view kept_prefix = "memshare-";
proto::Result<void> keep(std::string_view name, std::span<const int> descriptors);
void keep_no_more(std::string_view name);

// Until all that was told has been heard. An error, if nobody listens.
proto::Result<void> wait_until_heard();

// Whether a service manager started this process.
bool is_run_by_service_manager();

// How long the service manager waits for a sign of life before it starts another; nothing, if it does not.
std::optional<std::chrono::microseconds> watchdog_time();

// Each says so to the service manager, if there is one that listens.
void tell_ready();
void tell_reloading(); // until it is ready again
void tell_alive();
void tell_stopping();

} // namespace memshare::daemon
