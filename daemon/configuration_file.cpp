#include "daemon/configuration_file.h"

#include "proto/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

namespace memshare::daemon {
namespace {

constexpr std::size_t most_bytes = std::size_t{1} << 20;
constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string_view unquoted(std::string_view text) {
    const bool is_quoted =
        text.size() >= 2 && text.front() == text.back() && (text[0] == '"' || text[0] == '\'');
    return is_quoted ? text.substr(1, text.size() - 2) : text;
}

// Not waiting, should it be a pipe.
std::expected<std::string, int> content_of(const std::string& path) {
    const auto file = proto::Fd::adopt(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) {
        return std::unexpected(errno);
    }
    std::string content;
    std::array<char, 4096> bytes{};
    while (true) {
        const ssize_t size = read(file.number(), bytes.data(), bytes.size());
        if (size == 0) {
            return content;
        }
        if (size < 0 && errno != EINTR) {
            return std::unexpected(errno);
        }
        content.append(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        if (content.size() > most_bytes) {
            return std::unexpected(EFBIG);
        }
    }
}

// What is wrong with a line, or nothing; a setting in it is added.
std::string read_line(std::string_view line, std::size_t number, std::vector<Setting>& settings) {
    line = trimmed(line);
    if (line.empty() || line.front() == '#' || line.front() == ';') {
        return {};
    }
    if (line.front() == '[') {
        return "there are no sections: leave out " + std::string(line);
    }
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
        return "\"" + std::string(line) + "\" is not NAME = VALUE";
    }
    const auto name = trimmed(line.substr(0, equals));
    const auto before = std::ranges::find(settings, name, &Setting::name);
    if (before != settings.end()) {
        return std::string(name) + " is set already, in line " + std::to_string(before->line);
    }
    settings.push_back({std::string(name), std::string(unquoted(trimmed(line.substr(equals + 1)))), number});
    return {};
}

} // namespace

std::expected<std::vector<Setting>, std::string> read_configuration(const std::string& path,
                                                                    Missing missing) {
    const auto content = content_of(path);
    if (!content) {
        const int error = content.error();
        if (missing == Missing::is_fine && (error == ENOENT || error == ENOTDIR)) {
            return {};
        }
        return std::unexpected("cannot read the configuration " + path + ": " +
                               std::system_category().message(error));
    }
    std::vector<Setting> settings;
    std::string_view rest = *content;
    for (std::size_t number = 1; !rest.empty(); ++number) {
        const auto end = std::min(rest.find('\n'), rest.size());
        if (const auto wrong = read_line(rest.substr(0, end), number, settings); !wrong.empty()) {
            std::string where = path;
            where += ":" + std::to_string(number) + ": ";
            where += wrong;
            return std::unexpected(std::move(where));
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return settings;
}

} // namespace memshare::daemon
