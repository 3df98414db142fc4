#include "daemon/service_manager.h"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>

namespace memshare::daemon {

using proto::Fd;

proto::Result<std::vector<Fd>> inherited_sockets() {
    const int count = sd_listen_fds(/*unset_environment=*/1);
    if (count < 0) {
        return proto::system_error("take the inherited sockets", -count);
    }
    std::vector<Fd> sockets;
    for (int number = SD_LISTEN_FDS_START; number < SD_LISTEN_FDS_START + count; ++number) {
        sockets.push_back(Fd::adopt(number));
    }
    for (const Fd& socket : sockets) {
        if (sd_is_socket_unix(socket.number(), SOCK_STREAM, /*listening=*/-1, nullptr, 0) <= 0) {
            return proto::system_error("take an inherited socket that is not a Unix stream socket", EINVAL);
        }
    }
    return sockets;
}

bool is_run_by_service_manager() { return std::getenv("INVOCATION_ID") != nullptr; }

std::optional<std::chrono::microseconds> watchdog_time() {
    std::uint64_t time = 0;
    return sd_watchdog_enabled(0, &time) > 0 ? std::optional(std::chrono::microseconds(time)) : std::nullopt;
}

void tell_ready() { sd_notify(0, "READY=1"); }
void tell_alive() { sd_notify(0, "WATCHDOG=1"); }
void tell_stopping() { sd_notify(0, "STOPPING=1"); }

} // namespace memshare::daemon
