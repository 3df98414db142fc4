#include "daemon/options.h"

#include "proto/socket_path.h"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <cstdlib>

namespace memshare::daemon {
namespace {

// A service manager says where a service's own are. (systemd.exec(5), ConfigurationDirectory=)
std::string default_configuration_file() {
    if (const char* told = std::getenv("CONFIGURATION_DIRECTORY")) {
        return std::string(told) + "/memshared.conf";
    }
    if (geteuid() == 0) {
        return "/etc/memshare/memshared.conf";
    }
    const char* folder = std::getenv("XDG_CONFIG_HOME");
    const char* home = std::getenv("HOME");
    return (folder != nullptr ? std::string(folder) : std::string(home != nullptr ? home : "") + "/.config") +
           "/memshare/memshared.conf";
}

void add_limit(CLI::App& app, std::uint64_t& limit, const std::string& name, const std::string& what) {
    app.add_option("--" + name, limit, what)
        ->transform(CLI::AsSizeValue(false))
        ->capture_default_str()
        ->group("Limits");
}

} // namespace

std::expected<Options, int> Options::read(int argc, char** argv) {
    Options options;
    options.argc_ = argc;
    options.argv_ = argv;
    CLI::App app("The memshare broker: makes shared-memory segments, hands them out and ends them.",
                 "memshared");
    app.set_version_flag("--version", MEMSHARE_VERSION);
    app.allow_config_extras(CLI::config_extras_mode::error); // a misspelt limit would be none
    app.set_config("--config", default_configuration_file(), "Read options from this file (name = value)");
    app.add_option("--socket", options.socket,
                   "Listen at this path, unless a socket is inherited (default: " +
                       std::string(proto::system_socket_path) +
                       " for root and under a service manager,\n"
                       "else $XDG_RUNTIME_DIR/memshared/io.memshare.Broker)");
    app.add_option("--log-level", options.log_level, "How much to log")
        ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}))
        ->capture_default_str();

    using enum Resource;
    const auto user = [&](Resource of) -> auto& {
        return options.limits.per_user[static_cast<std::size_t>(of)];
    };
    const auto all = [&](Resource of) -> auto& { return options.limits.total[static_cast<std::size_t>(of)]; };
    add_limit(app, user(sessions), "sessions-per-user",
              "Sessions of one user: its connected processes, and one for each watch");
    add_limit(app, user(segments), "segments-per-user", "Segments of one user");
    add_limit(app, user(bytes), "bytes-per-user",
              "Memory of one user's segments; K, M, G and T are understood");
    add_limit(app, user(attachments), "attachments-per-user",
              "Segments that one user's processes have mapped");
    add_limit(app, user(names), "names-per-user", "Named segments of one user");
    add_limit(app, user(streams), "streams-per-user", "Watches and long lists that one user has open");
    add_limit(app, user(unread_bytes), "unread-bytes-per-user",
              "Replies that one user's processes do not read; then they are hung up on");
    add_limit(app, user(description_bytes), "description-bytes-per-user",
              "What the broker holds of one user's descriptions of structs, and of long lists of groups");
    add_limit(app, user(initial_bytes), "initial-bytes-per-user",
              "Memory of one user's segments that the broker itself has filled");
    add_limit(app, user(kept_segments), "kept-segments-per-user",
              "Segments that others have ended, and one user keeps attached");
    add_limit(app, user(kept_bytes), "kept-bytes-per-user", "Memory of these");
    add_limit(app, all(sessions), "total-sessions", "The same in all: sessions");
    add_limit(app, all(segments), "total-segments", "Segments");
    add_limit(app, all(bytes), "total-bytes", "Memory");
    add_limit(app, all(attachments), "total-attachments", "Mapped segments");
    add_limit(app, all(names), "total-names", "Named segments");
    add_limit(app, all(streams), "total-streams", "Open watches and long lists");
    add_limit(app, all(unread_bytes), "total-unread-bytes", "Unread replies");
    add_limit(app, all(description_bytes), "total-description-bytes", "Descriptions");
    add_limit(app, all(initial_bytes), "total-initial-bytes",
              "Memory that the broker has filled; at most a quarter of what its cgroup may use");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& end) {
        return std::unexpected(app.exit(end));
    }
    return options;
}

} // namespace memshare::daemon
