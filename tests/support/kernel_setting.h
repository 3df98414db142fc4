// A setting of the whole machine's, as long as a test needs it: others that need it wait.
#pragma once

#include "proto/fd.h"

#include <fcntl.h>
#include <sys/file.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

namespace memshare::test {

class KernelSetting {
  public:
    // Nothing, if this process may not change it, or the kernel does not take it.
    static std::optional<KernelSetting> set(const std::string& path, const std::string& value) {
        KernelSetting setting(path);
        if (!setting.lock_ || !setting.write(value)) {
            return std::nullopt;
        }
        return setting;
    }

    // So many pages of 2 MiB that nobody has.
    static std::optional<KernelSetting> free_pages_of_2m(std::uint64_t count) {
        const std::string path = pool + "nr_hugepages";
        KernelSetting setting(path);
        if (!setting.lock_) {
            return std::nullopt;
        }
        const std::uint64_t wanted = std::stoull(setting.before_) - available_pages_of_2m() + count;
        if (!setting.write(std::to_string(wanted)) || available_pages_of_2m() != count) {
            return std::nullopt;
        }
        return setting;
    }
    static std::uint64_t available_pages_of_2m() {
        return std::stoull(read(pool + "free_hugepages")) - std::stoull(read(pool + "resv_hugepages"));
    }

    KernelSetting(KernelSetting&&) noexcept = default;
    KernelSetting& operator=(KernelSetting&&) = delete;
    KernelSetting(const KernelSetting&) = delete;
    KernelSetting& operator=(const KernelSetting&) = delete;
    ~KernelSetting() {
        if (lock_) {
            write(before_);
        }
    }

  private:
    inline static const std::string pool = "/sys/kernel/mm/hugepages/hugepages-2048kB/";

    explicit KernelSetting(const std::string& path)
        : path_(path), lock_(proto::Fd::adopt(open(path.c_str(), O_RDWR | O_CLOEXEC))) {
        if (lock_) {
            flock(lock_.number(), LOCK_EX);
            before_ = read(path);
        }
    }

    static std::string read(const std::string& path) {
        std::ifstream file(path);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        const auto start = text.find('['); // "always [never]"
        return start == std::string::npos ? text : text.substr(start + 1, text.find(']') - start - 1);
    }
    bool write(const std::string& value) const {
        std::ofstream file(path_);
        file << value << std::flush;
        return file.good();
    }

    std::string path_, before_;
    proto::Fd lock_;
};

// The first base of a fixture whose tests take pages of the pool: by then all of them are back.
class WithPool {
  protected:
    bool has_free_pages_of_2m(std::uint64_t count) {
        auto pool = KernelSetting::free_pages_of_2m(count);
        if (pool) {
            pool_.emplace(*std::move(pool));
        }
        return pool_.has_value();
    }

  private:
    std::optional<KernelSetting> pool_;
};

} // namespace memshare::test

#define NEEDS_FREE_PAGES_OF_2M(count)                                    \
    if (!has_free_pages_of_2m(count)) {                                  \
        GTEST_SKIP() << "the pool of huge pages cannot be changed here"; \
    }                                                                    \
    static_assert(true)
