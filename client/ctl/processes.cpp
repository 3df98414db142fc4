#include "client/ctl/processes.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace memshare::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t id_size = 36; // of a UUID

std::string folder_of(std::int64_t pid) { return "/proc/" + std::to_string(pid); }

// Of "/memfd:memshare:UUID (deleted)", wherever in the text; nothing, if it is of something else.
std::optional<std::string> segment_in(std::string_view text) {
    constexpr std::string_view before = "/memfd:memshare:";
    const auto at = text.find(before);
    if (at == std::string_view::npos || text.size() < at + before.size() + id_size) {
        return std::nullopt;
    }
    return std::string(text.substr(at + before.size(), id_size));
}

void add_mapped(std::set<std::string>& segments, std::int64_t pid) {
    std::ifstream maps(folder_of(pid) + "/maps");
    for (std::string line; std::getline(maps, line);) {
        if (const auto id = segment_in(line)) {
            segments.insert(*id);
        }
    }
}

std::optional<std::int64_t> pid_in(const std::string& name) {
    std::int64_t pid = 0;
    const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), pid);
    return failure == std::errc{} && end == name.data() + name.size() ? std::optional(pid) : std::nullopt;
}

} // namespace

bool is_there(std::int64_t pid) { return fs::exists(folder_of(pid)); }

std::string name_of_process(std::int64_t pid) {
    std::string name;
    std::ifstream file(folder_of(pid) + "/comm");
    std::getline(file, name);
    std::ranges::replace_if(
        name, [](unsigned char c) { return c < ' ' || c >= 0x7F; }, '?'); // it says so itself
    return name;
}

std::optional<OpenFiles> open_files(std::int64_t pid) {
    std::error_code failure;
    fs::directory_iterator all(folder_of(pid) + "/fd", failure);
    if (failure) {
        return std::nullopt;
    }
    OpenFiles files;
    for (; !failure && all != fs::directory_iterator(); all.increment(failure)) {
        ++files.all;
        std::error_code closed;
        const std::string target = fs::read_symlink(all->path(), closed).string();
        files.pidfds += target == "anon_inode:[pidfd]" || target.starts_with("pidfd:") ? 1U : 0U;
        struct stat status{};
        if (const auto id = segment_in(target); id && stat(all->path().c_str(), &status) == 0) {
            files.memory[*id] = static_cast<std::uint64_t>(status.st_size);
        }
    }
    return files;
}

Holdings all_holdings() {
    Holdings holdings;
    std::error_code failure;
    for (fs::directory_iterator all("/proc", failure); !failure && all != fs::directory_iterator();
         all.increment(failure)) {
        const auto pid = pid_in(all->path().filename().string());
        if (!pid) {
            continue;
        }
        const auto files = open_files(*pid);
        if (!files) {
            holdings.closed.insert(*pid);
            continue;
        }
        std::set<std::string> segments;
        for (const auto& [id, bytes] : files->memory) {
            segments.insert(id);
        }
        add_mapped(segments, *pid);
        if (!segments.empty()) {
            holdings.segments[*pid] = std::move(segments);
        }
    }
    return holdings;
}

} // namespace memshare::ctl
