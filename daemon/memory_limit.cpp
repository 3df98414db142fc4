#include "daemon/memory_limit.h"

#include "proto/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace memshare::daemon {
namespace {

using proto::Result;

// The whole text; nothing, if there is no such file.
Result<std::optional<std::string>> text_of(const std::string& path) {
    const auto file = proto::Fd::adopt(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
        return errno == ENOENT || errno == ENOTDIR ? Result<std::optional<std::string>>(std::nullopt)
                                                   : proto::system_error("open " + path);
    }
    std::string text;
    std::array<char, 4096> part{};
    while (true) {
        const ssize_t size = read(file.number(), part.data(), part.size());
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return proto::system_error("read " + path);
        }
        if (size == 0) {
            return text;
        }
        text.append(part.data(), static_cast<std::size_t>(size));
    }
}

// Of one cgroup: of a limit file that is not there the kernel says that there is no limit.
Result<std::uint64_t> limit_in(const std::string& path, std::uint64_t otherwise) {
    const auto text = text_of(path);
    if (!text) {
        return std::unexpected(text.error());
    }
    if (!*text || (*text)->starts_with("max")) {
        return otherwise;
    }
    std::uint64_t limit = 0;
    const auto read = std::from_chars((*text)->data(), (*text)->data() + (*text)->size(), limit);
    if (read.ec != std::errc()) {
        return proto::system_error("understand " + path, EINVAL);
    }
    return std::min(limit, otherwise);
}

// Of a cgroup and those that it lies in. In a container the path may be one of the host's, of which only the
// root is there.
Result<std::uint64_t> least_limit(const std::string& root, std::string cgroup, std::string_view file,
                                  std::uint64_t least) {
    while (true) {
        const auto limit = limit_in(root + cgroup + "/" + std::string(file), least);
        if (!limit) {
            return limit;
        }
        least = *limit;
        if (cgroup.empty()) {
            return least;
        }
        cgroup.resize(cgroup.rfind('/'));
    }
}

bool has_memory_controller(std::string_view controllers) {
    return ("," + std::string(controllers) + ",").find(",memory,") != std::string::npos;
}

} // namespace

Result<std::uint64_t> usable_memory(const std::string& cgroups, const std::string& own_cgroups) {
    const auto pages = sysconf(_SC_PHYS_PAGES);
    const auto page = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page <= 0) {
        return proto::system_error("ask how much memory the machine has", EINVAL);
    }
    std::uint64_t least = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page);
    const auto own = text_of(own_cgroups);
    if (!own || !*own) {
        return own ? proto::system_error("find " + own_cgroups, ENOENT) : std::unexpected(own.error());
    }
    // Lines like "0::/a/b" of the second version and "4:memory:/a/b" of the first.
    for (std::string_view rest = **own; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const std::size_t controllers = line.find(':') + 1;
        const std::size_t path = line.find(":/", controllers);
        if (controllers == 0 || path == std::string_view::npos) {
            continue;
        }
        const std::string_view names = line.substr(controllers, path - controllers);
        std::string cgroup(line.substr(path + 1));
        cgroup.resize(cgroup == "/" ? 0 : cgroup.size());
        const bool is_second = names.empty();
        if (!is_second && !has_memory_controller(names)) {
            continue;
        }
        const auto limit = is_second
                               ? least_limit(cgroups, cgroup, "memory.max", least)
                               : least_limit(cgroups + "/memory", cgroup, "memory.limit_in_bytes", least);
        if (!limit) {
            return limit;
        }
        least = *limit;
    }
    return least;
}

} // namespace memshare::daemon
