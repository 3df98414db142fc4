#include "client/src/available_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

namespace memshare::client {
namespace {

using proto::Result;

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t KiB = 1024;

// What a version of the memory cgroup calls its files, what can be reclaimed of what they count, and a file
// that lies in the root of each such hierarchy.
struct Version {
    std::string_view root, limit, usage, inactive_file, active_file, mark;
};
constexpr Version second{"/sys/fs/cgroup", "memory.max",  "memory.current",
                         "inactive_file",  "active_file", "cgroup.controllers"};
constexpr Version first{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                        "total_inactive_file",   "total_active_file",     "memory.usage_in_bytes"};

// The text of a small file; nothing, if there is none.
Result<std::optional<std::string>> text_of(const std::string& path) {
    errno = 0;
    const std::ifstream file(path);
    std::ostringstream text;
    if (file && text << file.rdbuf() && !file.bad()) {
        return text.str();
    }
    if (errno == ENOENT || errno == ENODEV) {
        return std::optional<std::string>();
    }
    return proto::system_error("read " + path, errno == 0 ? EIO : errno);
}

Result<std::string> text_that_must_be(const std::string& path) {
    auto text = text_of(path);
    if (!text) {
        return std::unexpected(text.error());
    }
    if (!*text) {
        return proto::system_error("read " + path, ENOENT);
    }
    return **std::move(text);
}

// Lines like "MemAvailable:   1234 kB" or "active_file 1234".
std::map<std::string, std::uint64_t, std::less<>> numbers_in(const std::string& text) {
    std::map<std::string, std::uint64_t, std::less<>> numbers;
    std::istringstream lines(text);
    for (std::string word; lines >> word; lines.ignore(unlimited >> 1, '\n')) {
        lines >> numbers[word];
    }
    return numbers;
}

Result<std::uint64_t> number_in(const std::string& path) {
    const auto text = text_that_must_be(path);
    if (!text) {
        return std::unexpected(text.error());
    }
    std::uint64_t number = 0;
    if (!(std::istringstream(*text) >> number)) {
        return proto::system_error("find a number in " + path, EINVAL);
    }
    return number;
}

Result<std::uint64_t> room_in(const std::string& cgroup, const Version& version) {
    const std::string limit_file = cgroup + "/" + std::string(version.limit);
    const auto limit_text = text_of(limit_file);
    if (!limit_text) {
        return std::unexpected(limit_text.error());
    }
    // A root has none, nor has a cgroup whose parent does not hand the controller on.
    if (!*limit_text || (*limit_text)->starts_with("max")) {
        return unlimited;
    }
    const auto limit = number_in(limit_file);
    const auto usage = number_in(cgroup + "/" + std::string(version.usage));
    if (!limit || !usage) {
        return limit ? usage : limit;
    }
    const auto statistics = text_of(cgroup + "/memory.stat"); // without it nothing counts as reclaimable
    auto counted = numbers_in(statistics ? statistics->value_or("") : "");
    const std::uint64_t cache =
        counted[std::string(version.inactive_file)] + counted[std::string(version.active_file)];
    const std::uint64_t held = *usage - std::min(*usage, cache);
    return *limit - std::min(*limit, held);
}

// In the cgroup and in those it lies in. In a container the path may be one of the host's, of which only the
// root is there.
Result<std::uint64_t> room_on_the_way_up(std::string path, const Version& version) {
    const std::string root(version.root);
    if (const auto mark = text_that_must_be(root + "/" + std::string(version.mark)); !mark) {
        return std::unexpected(mark.error());
    }
    std::uint64_t room = unlimited;
    while (true) {
        const auto here = room_in(root + path, version);
        if (!here) {
            return here;
        }
        room = std::min(room, *here);
        const auto last = path.rfind('/');
        if (last == std::string::npos) {
            return room;
        }
        path.resize(last);
    }
}

struct Membership {
    std::string path;
    Version version;
};

// Of lines like "0::/a/b" and "4:memory:/a/b": the memory controller is in a hierarchy of the first version,
// or else in the second's. Nothing, if this kernel has neither.
std::optional<Membership> membership_in(const std::string& text) {
    std::optional<Membership> found;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const auto controllers = line.find(':') + 1;
        const auto path = line.find(":/", controllers);
        if (path == std::string::npos) {
            continue;
        }
        const std::string names = ',' + line.substr(controllers, path - controllers) + ',';
        if (names.find(",memory,") != std::string::npos) {
            return Membership{.path = line.substr(path + 1), .version = first};
        }
        if (names == ",,") {
            found = Membership{.path = line.substr(path + 1), .version = second};
        }
    }
    return found;
}

Result<std::uint64_t> room_in_cgroups() {
    const auto text = text_of("/proc/self/cgroup");
    if (!text) {
        return std::unexpected(text.error());
    }
    // Without this file, and with a /proc, the kernel has no cgroups.
    const auto membership = *text ? membership_in(**text) : std::nullopt;
    return membership ? room_on_the_way_up(membership->path, membership->version) : unlimited;
}

} // namespace

Result<std::uint64_t> available_memory() {
    const auto text = text_that_must_be("/proc/meminfo");
    if (!text) {
        return std::unexpected(text.error());
    }
    auto machine = numbers_in(*text);
    if (!machine.contains("MemAvailable:")) {
        return proto::system_error("find MemAvailable in /proc/meminfo", EINVAL);
    }
    const auto room = room_in_cgroups();
    if (!room) {
        return room;
    }
    const std::uint64_t swap = machine["SwapFree:"] * KiB;
    return std::min(machine["MemAvailable:"] * KiB + swap, *room); // a cgroup may have no part of the swap
}

} // namespace memshare::client
