#include "daemon/options.h"

#include "daemon/configuration_file.h"
#include "daemon/limit_text.h"
#include "proto/socket_path.h"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <string_view>
#include <vector>

namespace memshare::daemon {
namespace {

constexpr std::array<std::string_view, 5> log_levels{"debug", "info", "warning", "error", "off"};

std::string text_of(const char* variable) { return variable != nullptr ? variable : ""; }

// A service manager says where a service's own are. (systemd.exec(5), ConfigurationDirectory=)
std::string default_configuration_file() {
    if (const auto told = text_of(std::getenv("CONFIGURATION_DIRECTORY")); !told.empty()) {
        return told + "/memshared.conf";
    }
    if (geteuid() == 0) {
        return "/etc/memshare/memshared.conf";
    }
    const auto folder = text_of(std::getenv("XDG_CONFIG_HOME"));
    return (folder.empty() ? text_of(std::getenv("HOME")) + "/.config" : folder) + "/memshare/memshared.conf";
}

// What can be set both by the command line and by the file. `set` returns what is wrong, or nothing.
struct Known {
    CLI::Option* option = nullptr;
    std::string name;
    std::function<std::string(const std::string&)> set;
};

class Reader {
  public:
    Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader() = default;

    std::expected<Options, Options::Ending> read(int argc, char** argv);

  private:
    CLI::Option& add(const std::string& name, const std::string& what,
                     std::function<std::string(const std::string&)> set);
    void add_limit(std::uint64_t& limit, const std::string& name, const std::string& what);
    void add_limits();
    std::string read_file(const std::string& path, Missing missing);

    CLI::App app_{"The memshare broker: makes shared-memory segments, hands them out and ends them.",
                  "memshared"};
    Options options_;
    std::string file_ = default_configuration_file();
    CLI::Option* file_option_ = nullptr;
    std::vector<Known> known_;
};

Reader::Reader() {
    app_.set_version_flag("--version", MEMSHARE_VERSION);
    app_.add_flag("--check", options_.only_check,
                  "Say what is wrong with these options and the configuration, and exit");
    file_option_ = app_.add_option("--config", file_, "Read options from this file (default: " + file_ + ")")
                       ->type_name("FILE");
    add("socket",
        "Listen at this path, unless a socket is inherited (default: " +
            std::string(proto::system_socket_path) +
            " for root and under a service manager,\n"
            "else $XDG_RUNTIME_DIR/memshared/io.memshare.Broker)",
        [this](const std::string& path) {
            options_.socket = path;
            return path.empty() ? "a path is asked for" : "";
        });
    add("log-level", "How much to log",
        [this](const std::string& level) -> std::string {
            options_.log_level = level;
            const bool is_known = std::ranges::find(log_levels, level) != log_levels.end();
            return is_known ? "" : "\"" + level + "\" is none of debug, info, warning, error and off";
        })
        .type_name("TEXT:{debug,info,warning,error,off}")
        ->default_str(options_.log_level);
    add_limits();
}

void Reader::add_limits() {
    using enum Resource;
    const auto user = [this](Resource of) -> auto& {
        return options_.limits.per_user[static_cast<std::size_t>(of)];
    };
    const auto all = [this](Resource of) -> auto& {
        return options_.limits.total[static_cast<std::size_t>(of)];
    };
    add_limit(user(sessions), "sessions-per-user",
              "Sessions of one user: its connected processes, and one for each watch");
    add_limit(user(segments), "segments-per-user", "Segments of one user");
    add_limit(user(bytes), "bytes-per-user", "Memory of one user's segments; K, M, G and T are understood");
    add_limit(user(attachments), "attachments-per-user", "Segments that one user's processes have mapped");
    add_limit(user(names), "names-per-user", "Named segments of one user");
    add_limit(user(streams), "streams-per-user", "Watches and long lists that one user has open");
    add_limit(user(unread_bytes), "unread-bytes-per-user",
              "Replies that one user's processes do not read; then they are hung up on");
    add_limit(user(call_bytes), "call-bytes-per-user",
              "Calls of one user's processes that have come in part; then they are hung up on");
    add_limit(user(description_bytes), "description-bytes-per-user",
              "What the broker holds of one user's descriptions of structs, and of long lists of groups");
    add_limit(user(initial_bytes), "initial-bytes-per-user",
              "Memory of one user's segments that the broker itself has filled");
    add_limit(user(kept_segments), "kept-segments-per-user",
              "Segments that others have ended, and one user keeps attached");
    add_limit(user(kept_bytes), "kept-bytes-per-user", "Memory of these");
    add_limit(all(sessions), "total-sessions", "The same in all: sessions");
    add_limit(all(segments), "total-segments", "Segments");
    add_limit(all(bytes), "total-bytes", "Memory");
    add_limit(all(attachments), "total-attachments", "Mapped segments");
    add_limit(all(names), "total-names", "Named segments");
    add_limit(all(streams), "total-streams", "Open watches and long lists");
    add_limit(all(unread_bytes), "total-unread-bytes", "Unread replies");
    add_limit(all(call_bytes), "total-call-bytes", "Calls that have come in part");
    add_limit(all(description_bytes), "total-description-bytes", "Descriptions");
    add_limit(all(initial_bytes), "total-initial-bytes",
              "Memory that the broker has filled; at most a quarter of what its cgroup may use");
}

CLI::Option& Reader::add(const std::string& name, const std::string& what,
                         std::function<std::string(const std::string&)> set) {
    auto* const option = app_.add_option("--" + name, what)->type_name("TEXT")->expected(1);
    known_.push_back({option, name, std::move(set)});
    return *option;
}

void Reader::add_limit(std::uint64_t& limit, const std::string& name, const std::string& what) {
    add(name, what,
        [&limit](const std::string& text) -> std::string {
            const auto number = read_limit(text);
            limit = number ? *number : limit;
            return number ? "" : number.error();
        })
        .type_name("NUMBER[K|M|G|T]")
        ->default_str(std::to_string(limit))
        ->group("Limits");
}

std::string Reader::read_file(const std::string& path, Missing missing) {
    const auto settings = read_configuration(path, missing);
    if (!settings) {
        return settings.error();
    }
    for (const auto& [name, value, line] : *settings) {
        const auto known = std::ranges::find(known_, name, &Known::name);
        const auto wrong = known == known_.end() ? "there is no such setting"
                           : value.empty()       ? "it has no value"
                                                 : known->set(value);
        if (!wrong.empty()) {
            std::string mistake = path;
            mistake += ":" + std::to_string(line) + ": ";
            mistake += name;
            mistake += ": ";
            mistake += wrong;
            return mistake;
        }
    }
    return {};
}

std::expected<Options, Options::Ending> Reader::read(int argc, char** argv) {
    const auto wrong = [](const std::string& text) {
        constexpr auto code = static_cast<int>(CLI::ExitCodes::ValidationError);
        return std::unexpected(Options::Ending{code, "memshared: " + text + "\n"});
    };
    try {
        app_.parse(argc, argv);
    } catch (const CLI::ParseError& end) {
        std::ostringstream text;
        const int code = app_.exit(end, text, text);
        return std::unexpected(Options::Ending{code, text.str()});
    }
    const auto missing = file_option_->count() > 0 ? Missing::is_wrong : Missing::is_fine;
    if (const auto mistake = read_file(file_, missing); !mistake.empty()) {
        return wrong(mistake);
    }
    for (const Known& known : known_) {
        if (known.option->count() == 0) {
            continue;
        }
        if (const auto mistake = known.set(known.option->results().front()); !mistake.empty()) {
            return wrong("--" + known.name + ": " + mistake);
        }
    }
    return options_;
}

} // namespace

std::expected<Options, Options::Ending> Options::read(int argc, char** argv) {
    auto options = Reader().read(argc, argv);
    if (options) {
        options->argc_ = argc;
        options->argv_ = argv;
    }
    return options;
}

} // namespace memshare::daemon
