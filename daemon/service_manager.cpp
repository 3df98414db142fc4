#include "daemon/service_manager.h"

#include "daemon/passed_descriptors.h"

#include <poll.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace memshare::daemon {

using proto::Fd;

namespace {

// Nobody can come or be here.
bool is_dead(int socket) {
    if (sd_is_socket(socket, AF_UNIX, SOCK_STREAM, /*listening=*/1) > 0) {
        return false;
    }
    pollfd state{.fd = socket, .events = POLLIN, .revents = 0};
    const bool has_ended = poll(&state, 1, 0) < 0 || (state.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
    char byte = 0;
    return has_ended && recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

// What the C library allocated.
struct Free {
    void operator()(void* memory) const { std::free(memory); } // NOLINT(*-no-malloc)
};

} // namespace

proto::Result<Inherited> inherited_descriptors() {
    char** list = nullptr;
    const int count = sd_listen_fds_with_names(/*unset_environment=*/1, &list);
    const std::unique_ptr<char*, Free> names(list);
    if (count < 0) {
        return proto::system_error("take the inherited descriptors", -count);
    }
    Inherited inherited;
    for (int at = 0; at < count; ++at) {
        Fd fd = Fd::adopt(SD_LISTEN_FDS_START + at);
        const std::unique_ptr<char, Free> name(list[at]); // NOLINT(*-pointer-arithmetic): a C list
        if (std::string_view(name.get()).starts_with(kept_prefix)) {
            inherited.kept.emplace(name.get(), std::move(fd));
        } else {
            refuse_descriptors(fd.number()); // at once: others may be connecting already
            inherited.sockets.push_back(std::move(fd));
        }
    }
    for (const Fd& socket : inherited.sockets) {
        if (sd_is_socket_unix(socket.number(), SOCK_STREAM, /*listening=*/-1, nullptr, 0) <= 0) {
            return proto::system_error("take an inherited socket that is not a Unix stream socket", EINVAL);
        }
        if (is_dead(socket.number())) {
            return proto::system_error("take the inherited socket " + std::to_string(socket.number()) +
                                           ", which neither listens nor has another end",
                                       ENOTCONN);
        }
    }
    return inherited;
}

bool can_keep() { return is_run_by_service_manager() && std::getenv("NOTIFY_SOCKET") != nullptr; }

// Not dropped when something happens at it: the end of a process does at its pidfd.
proto::Result<void> keep(std::string_view name, std::span<const int> descriptors) {
    const std::string state = "FDSTORE=1\nFDPOLL=0\nFDNAME=" + std::string(name);
    const int told = sd_pid_notify_with_fds(0, 0, state.c_str(), descriptors.data(),
                                            static_cast<unsigned>(descriptors.size()));
    if (told <= 0) {
        return proto::system_error("have descriptors kept", told < 0 ? -told : ENOTCONN);
    }
    return {};
}

void keep_no_more(std::string_view name) {
    const std::string state = "FDSTOREREMOVE=1\nFDNAME=" + std::string(name);
    sd_notify(0, state.c_str());
}

proto::Result<void> wait_until_heard() {
    constexpr std::chrono::microseconds patience = std::chrono::seconds(10);
    const int heard = sd_notify_barrier(0, static_cast<std::uint64_t>(patience.count()));
    if (heard < 0) {
        return proto::system_error("reach the service manager", -heard);
    }
    return {};
}

// Its children inherit all that it says, and would take it for theirs. (systemd.exec(5), $SYSTEMD_EXEC_PID)
bool is_run_by_service_manager() {
    const char* process = std::getenv("SYSTEMD_EXEC_PID");
    return process != nullptr && process == std::to_string(getpid());
}

std::optional<std::chrono::microseconds> watchdog_time() {
    std::uint64_t time = 0;
    return sd_watchdog_enabled(0, &time) > 0 ? std::optional(std::chrono::microseconds(time)) : std::nullopt;
}

void tell_ready() { sd_notify(0, "READY=1"); }
void tell_reloading() { sd_notify(0, "RELOADING=1"); }
void tell_alive() { sd_notify(0, "WATCHDOG=1"); }
void tell_stopping() { sd_notify(0, "STOPPING=1"); }

} // namespace memshare::daemon
