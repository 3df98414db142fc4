#include "client/src/available_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <string_view>

namespace memshare::client {
namespace {

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t KiB = 1024;

// What a version of the memory cgroup calls its files, and what can be reclaimed of what they count.
struct Version {
    std::string_view root, limit, usage, inactive_file, active_file;
};
constexpr Version second{"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file", "active_file"};
constexpr Version first{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                        "total_inactive_file", "total_active_file"};

// A file of lines like "MemAvailable:   1234 kB" or "active_file 1234".
std::map<std::string, std::uint64_t, std::less<>> numbers_in(const std::string& path) {
    std::map<std::string, std::uint64_t, std::less<>> numbers;
    std::ifstream file(path);
    for (std::string word; file >> word; file.ignore(unlimited >> 1, '\n')) {
        file >> numbers[word];
    }
    return numbers;
}

std::uint64_t number_in(const std::string& path, std::uint64_t otherwise) {
    std::uint64_t number = 0;
    return std::ifstream(path) >> number ? number : otherwise; // "max" is no number
}

std::uint64_t room_in(const std::string& cgroup, const Version& version) {
    const std::uint64_t limit = number_in(cgroup + "/" + std::string(version.limit), unlimited);
    if (limit == unlimited) {
        return unlimited;
    }
    const std::uint64_t usage = number_in(cgroup + "/" + std::string(version.usage), 0);
    auto counted = numbers_in(cgroup + "/memory.stat");
    const std::uint64_t cache =
        counted[std::string(version.inactive_file)] + counted[std::string(version.active_file)];
    const std::uint64_t held = usage - std::min(usage, cache);
    return limit - std::min(limit, held);
}

// In the cgroup and in those it lies in. In a container the path may be one of the host's, of which only the
// root is there.
std::uint64_t room_on_the_way_up(std::string path, const Version& version) {
    std::uint64_t room = unlimited;
    while (true) {
        room = std::min(room, room_in(std::string(version.root) + path, version));
        if (path.empty()) {
            return room;
        }
        path.resize(path.rfind('/'));
    }
}

// Of lines like "0::/a/b" and "4:memory:/a/b".
std::uint64_t room_in_cgroups() {
    std::uint64_t room = unlimited;
    std::ifstream file("/proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        const auto controllers = line.find(':') + 1;
        const auto path = line.find(":/", controllers);
        if (path == std::string::npos) {
            continue;
        }
        const auto controller = std::string_view(line).substr(controllers, path - controllers);
        if (controller.empty() || controller == "memory") {
            const std::string inside = line.substr(path + 1);
            room = std::min(room, room_on_the_way_up(inside, controller.empty() ? second : first));
        }
    }
    return room;
}

} // namespace

std::uint64_t available_memory() {
    auto machine = numbers_in("/proc/meminfo");
    if (!machine.contains("MemAvailable:")) {
        return unlimited;
    }
    const std::uint64_t swap = machine["SwapFree:"] * KiB;
    const std::uint64_t room = room_in_cgroups();
    return std::min(machine["MemAvailable:"] * KiB + swap, room); // a cgroup may have no part of the swap
}

} // namespace memshare::client
