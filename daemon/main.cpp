// memshared, the broker.
#include "daemon/kept.h"
#include "daemon/listener.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/memory_limit.h"
#include "daemon/options.h"
#include "daemon/process_setup.h"
#include "daemon/service_manager.h"
#include "proto/socket_path.h"

#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

using namespace memshare;
using namespace memshare::daemon;
using proto::Fd;
using proto::Result;

Result<std::string> socket_path(const Options& options) {
    if (!options.socket.empty()) {
        return options.socket;
    }
    if (geteuid() == 0 || is_run_by_service_manager()) {
        return proto::system_socket_path;
    }
    if (auto path = proto::user_socket_path()) {
        return *path;
    }
    return proto::system_error("find a place for the socket: XDG_RUNTIME_DIR is not set; use --socket PATH",
                               ENOENT);
}

// The system's broker is for everybody; all others are for whoever starts them.
mode_t folder_mode(const std::string& path) { return path == proto::system_socket_path ? 0755 : 0700; }

// To what this process may open, and to the memory that it may use: where that is unknown it counts as
// little.
void fit(Limits& limits, std::uint64_t can_be_open) {
    constexpr std::uint64_t little = 64 * proto::limits::MiB;
    limits.fit_descriptors(can_be_open);
    const auto usable = usable_memory();
    if (!usable) {
        log({.event = Report::Event::memory_unknown,
             .sentence =
                 "how much memory this process may use is unknown, so initial contents have little of it: "
                 "cannot " +
                 usable.error().sentence()});
    }
    limits.fit_memory(usable.value_or(little));
}

// As long as the loop goes round.
void keep_telling_alive(asio::steady_timer& timer, std::chrono::microseconds pause) {
    tell_alive();
    timer.expires_after(pause);
    timer.async_wait([&timer, pause](const std::error_code& failure) {
        if (!failure) {
            keep_telling_alive(timer, pause);
        }
    });
}

std::string without_newline(std::string text) {
    text.erase(text.find_last_not_of('\n') + 1);
    return text;
}

// What the configuration says by now, but for the socket, which stays. What it lowers binds from then on:
// what is there already stays.
void reload(const Options& options, Quota& quota) {
    tell_reloading();
    if (auto changed = options.read_again()) {
        fit(changed->limits, raise_limits());
        quota.set_limits(changed->limits);
        set_log_level(changed->log_level);
    } else {
        log({.event = Report::Event::configuration_refused,
             .sentence = "the configuration stays as it was: " + without_newline(changed.error().text)});
    }
    tell_ready();
}

void keep_reloading(asio::signal_set& signals, const Options& options, Quota& quota) {
    signals.async_wait([&](const std::error_code& failure, int /*signal*/) {
        if (!failure) {
            reload(options, quota);
            keep_reloading(signals, options, quota);
        }
    });
}

// A client can make the kernel hold up a thread that works on that client's memory. A stop does not wait for
// it.
constexpr std::chrono::milliseconds longest_farewell{500};

// Leaves everything as a sudden death would, for the next process to go on from.
[[noreturn]] void end_at_once() { _exit(EXIT_SUCCESS); }

Result<void> run_broker(const Options& options) {
    auto inherited = inherited_descriptors();
    if (!inherited) {
        return std::unexpected(inherited.error());
    }
    Quota quota(options.limits);
    auto archive = open_archive(std::move(inherited->kept));
    if (!archive) {
        return std::unexpected(archive.error());
    }
    auto& sockets = inherited->sockets;
    std::optional<SocketFile> file;
    if (sockets.empty()) {
        const auto path = socket_path(options);
        auto own = path ? SocketFile::listen(*path, folder_mode(*path)) : std::unexpected(path.error());
        if (!own) {
            return std::unexpected(own.error());
        }
        auto socket = own->descriptor();
        if (!socket) {
            return std::unexpected(socket.error());
        }
        file.emplace(*std::move(own));
        sockets.push_back(*std::move(socket));
    }
    asio::io_context loop(ASIO_CONCURRENCY_HINT_UNSAFE_IO); // one thread uses the sockets, others post
    StepClock clock;
    Broker broker(loop, quota, **archive, clock);
    if (auto restored = broker.restore(); !restored) {
        return restored;
    }
    for (Fd& socket : sockets) {
        serve(broker, std::move(socket));
    }
    asio::signal_set signals(loop, SIGINT, SIGTERM);
    signals.async_wait([&](const std::error_code& /*failure*/, int /*signal*/) { loop.stop(); });
    asio::signal_set reload(loop, SIGHUP);
    keep_reloading(reload, options, quota);
    asio::steady_timer heartbeat(loop);
    if (const auto time = watchdog_time()) {
        keep_telling_alive(heartbeat, *time / 3);
    }
    tell_ready();
    run(loop, clock);
    tell_stopping();
    if (!broker.finish(std::chrono::steady_clock::now() + longest_farewell)) {
        file.reset();
        end_at_once();
    }
    return {};
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): only for want of memory, and then there is nothing to do but end
int main(int argc, char** argv) {
    arrange_signals();
    auto options = Options::read(argc, argv);
    if (!options) {
        const auto& [exit_code, text] = options.error();
        static_cast<void>(std::fputs(text.c_str(), exit_code == EXIT_SUCCESS ? stdout : stderr));
        return exit_code;
    }
    if (options->only_check) {
        return EXIT_SUCCESS;
    }
    start_log(options->log_level);
    have_memory_freed_in_small_steps();
    const std::uint64_t can_be_open = raise_limits();
    enlarge_descriptor_table(can_be_open);
    fit(options->limits, can_be_open);
    const auto ended = run_broker(*options);
    if (!ended) {
        log({.event = Report::Event::failed, .sentence = "cannot " + ended.error().sentence()});
    }
    const int exit_code = ended ? EXIT_SUCCESS : EXIT_FAILURE;
    if (!finish_log()) {
        std::_Exit(exit_code);
    }
    return exit_code;
}
