#include "daemon/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace memshare::daemon {
namespace {

using proto::Fd;
using proto::Result;
using proto::system_error;

constexpr unsigned noexec_seal = 8; // MFD_NOEXEC_SEAL: Linux 6.3; younger than our C library's headers

// The name is seen in /proc/PID/maps and /proc/PID/fd.
int open_memfd(const std::string& name) {
    static bool kernel_knows_noexec = true;
    const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    if (kernel_knows_noexec) {
        const int fd = memfd_create(name.c_str(), flags | noexec_seal);
        if (fd >= 0 || errno != EINVAL) {
            return fd;
        }
        kernel_knows_noexec = false;
    }
    return memfd_create(name.c_str(), flags);
}

} // namespace

Result<Memory> Memory::create(const proto::SegmentId& id, std::uint64_t size, Seals seals) {
    const std::uint64_t whole_pages = size_for(size);
    Fd fd = Fd::adopt(open_memfd("memshare:" + id.text()));
    if (!fd) {
        return system_error("make a memfd");
    }
    if (ftruncate(fd.number(), static_cast<off_t>(whole_pages)) != 0) {
        return system_error("size a memfd");
    }
    // A memfd is born open to all, and a read-only descriptor could be reopened for writing through /proc.
    if (fchmod(fd.number(), S_IRUSR | S_IWUSR) != 0) {
        return system_error("close a memfd to others");
    }
    const unsigned last = seals == Seals::all ? F_SEAL_SEAL : 0;
    if (fcntl(fd.number(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | last) != 0) {
        return system_error("seal a memfd");
    }
    return Memory(std::move(fd), whole_pages);
}

Result<void> Memory::freeze() {
    if (fcntl(fd_.number(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        return system_error("freeze a memfd");
    }
    return {};
}

Result<void> Memory::forbid_new_writers() {
    if (fcntl(fd_.number(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0) {
        return system_error("close a memfd to other writers");
    }
    return {};
}

std::uint32_t Memory::lock_word() const {
    std::uint32_t word = 0;
    constexpr off_t place = offsetof(abi::Header, lock) + offsetof(abi::LockLine, word);
    return pread(fd_.number(), &word, sizeof(word), place) == static_cast<ssize_t>(sizeof(word)) ? word : 0;
}

bool Memory::is_untouched() const {
    std::array<std::byte, sizeof(abi::Header)> header{};
    static_cast<void>(pread(fd_.number(), header.data(), header.size(), 0));
    return std::ranges::all_of(header, [](std::byte byte) { return byte == std::byte{0}; });
}

Result<proto::Mapping> Memory::map_header(proto::Mapping::Access access) const {
    return proto::Mapping::map(fd_.number(), abi::page, access);
}

Result<void> Memory::write(std::span<const std::byte> bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        const ssize_t size = pwrite(fd_.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return system_error("write the initial contents");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(size));
        offset += static_cast<std::uint64_t>(size);
    }
    return {};
}

Result<int> Memory::read_only() {
    if (!read_only_fd_) {
        const std::string path = "/proc/self/fd/" + std::to_string(fd_.number());
        read_only_fd_ = Fd::adopt(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    }
    if (!read_only_fd_) {
        return system_error("open the memory read-only");
    }
    return read_only_fd_.number();
}

} // namespace memshare::daemon
