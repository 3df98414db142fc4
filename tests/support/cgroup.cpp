#include "tests/support/cgroup.h"

#include "tests/support/patience.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace memshare::test {
namespace {

bool write_to(const std::string& path, std::uint64_t number) {
    std::ofstream file(path);
    file << number << std::flush;
    return file.good();
}

} // namespace

// Of the second version, or of the first.
std::optional<Cgroup> Cgroup::with_memory(std::uint64_t bytes) {
    const std::string name = "/memshare-test-" + std::to_string(getpid());
    const auto made = [&](const std::string& root, const std::string& limit,
                          const std::string& usage) -> std::optional<Cgroup> {
        if (!std::filesystem::exists(root + "/cgroup.procs")) {
            return std::nullopt;
        }
        std::error_code failure;
        std::filesystem::create_directory(root + name, failure);
        if (failure) {
            return std::nullopt;
        }
        Cgroup cgroup(root + name, usage);
        return write_to(root + name + limit, bytes) ? std::optional(std::move(cgroup)) : std::nullopt;
    };
    auto second = made("/sys/fs/cgroup", "/memory.max", "/memory.current");
    return second ? std::move(second)
                  : made("/sys/fs/cgroup/memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes");
}

Cgroup::Cgroup(Cgroup&& other) noexcept
    : folder_(std::exchange(other.folder_, {})), usage_(std::move(other.usage_)) {}

Cgroup::~Cgroup() {
    if (!folder_.empty()) {
        eventually([this] { return rmdir(folder_.c_str()) == 0; });
    }
}

void Cgroup::enter() const {
    if (!write_to(folder_ + "/cgroup.procs", static_cast<std::uint64_t>(getpid()))) {
        throw std::runtime_error("cannot enter " + folder_);
    }
}

std::uint64_t Cgroup::memory_usage() const {
    std::uint64_t bytes = 0;
    std::ifstream(folder_ + usage_) >> bytes;
    return bytes;
}

} // namespace memshare::test
