#include "daemon/memory.h"

#include "daemon/huge_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>

namespace memshare::daemon {
namespace {

using proto::Fd;
using proto::HugePages;
using proto::Result;
using proto::system_error;

constexpr unsigned noexec_seal = 8; // MFD_NOEXEC_SEAL: Linux 6.3; younger than our C library's headers

unsigned flags_for(HugePages pages) {
    const auto size = static_cast<unsigned>(std::countr_zero(proto::page_bytes(pages)));
    return proto::are_pooled(pages) ? MFD_HUGETLB | size << MAP_HUGE_SHIFT : 0U;
}

// The name is seen in /proc/PID/maps and /proc/PID/fd.
int open_memfd(const std::string& name, HugePages pages) {
    static bool kernel_knows_noexec = true;
    const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | flags_for(pages);
    if (kernel_knows_noexec) {
        const int fd = memfd_create(name.c_str(), flags | noexec_seal);
        if (fd >= 0 || errno != EINVAL) {
            return fd;
        }
        kernel_knows_noexec = proto::are_pooled(pages); // then it may be these that it does not know
    }
    return memfd_create(name.c_str(), flags);
}

// A pool's pages are reserved when they are first mapped, by anybody, and stay so for all as long as the
// memfd is there. So it is done here: whoever maps it later can touch each page, and who asks for more than
// the pool has learns so now, not by a SIGBUS. It takes no page and no time, as long as the kernel need not
// make new ones for it: so only what the pool has is ever asked for. A peer can reserve what its quota of
// bytes lets it, as it could with a memfd of its own.
Result<void> reserve(const Fd& fd, std::uint64_t size, HugePages pages) {
    if (!may_be_pooled(pages, size)) {
        errno = ENOMEM;
        return system_error("find huge pages");
    }
    const auto mapping = proto::Mapping::map(fd.number(), size, proto::Mapping::Access::write);
    if (!mapping) {
        return std::unexpected(mapping.error());
    }
    return {};
}

} // namespace

std::uint64_t Memory::size_for(std::uint64_t bytes, HugePages pages) {
    const std::uint64_t page = proto::page_bytes(pages);
    return (bytes + page - 1) / page * page;
}

Result<Memory> Memory::create_of(HugePages pages, const proto::SegmentId& id, std::uint64_t size,
                                 Seals seals) {
    const std::uint64_t whole_pages = size_for(size, pages);
    Fd fd = Fd::adopt(open_memfd("memshare:" + id.text(), pages));
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
    if (proto::are_pooled(pages)) {
        if (const auto reserved = reserve(fd, whole_pages, pages); !reserved) {
            return std::unexpected(reserved.error());
        }
    }
    const unsigned last = seals == Seals::all ? F_SEAL_SEAL : 0;
    if (fcntl(fd.number(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | last) != 0) {
        return system_error("seal a memfd");
    }
    return Memory(std::move(fd), whole_pages, pages);
}

Result<Memory> Memory::create(const proto::SegmentId& id, std::uint64_t size, Seals seals, HugePages pages) {
    if (proto::are_pooled(pages)) {
        if (auto pooled = create_of(pages, id, size, seals)) {
            return pooled;
        }
    }
    const bool is_advised = pages == HugePages::transparent && gives_on_advice(size);
    return create_of(is_advised ? HugePages::transparent : HugePages::no, id, size, seals);
}

Result<Memory> Memory::adopt(Fd fd, HugePages pages) {
    struct stat status{};
    if (fstat(fd.number(), &status) != 0) {
        return system_error("look at a memfd");
    }
    return Memory(std::move(fd), static_cast<std::uint64_t>(status.st_size), pages);
}

bool Memory::has_seal(unsigned seal) const {
    const int seals = fcntl(fd_.number(), F_GET_SEALS);
    return seals >= 0 && (static_cast<unsigned>(seals) & seal) != 0;
}

bool Memory::is_frozen() const { return has_seal(F_SEAL_WRITE); }

bool Memory::is_closed_to_new_writers() const { return has_seal(F_SEAL_FUTURE_WRITE); }

std::uint32_t Memory::word_at(std::size_t offset) const {
    std::uint32_t word = 0;
    const ssize_t size = pread(fd_.number(), &word, sizeof(word), static_cast<off_t>(offset));
    return size == static_cast<ssize_t>(sizeof(word)) ? word : 0;
}

std::uint32_t Memory::lock_word() const {
    return word_at(offsetof(abi::Header, lock) + offsetof(abi::LockLine, word));
}

std::uint32_t Memory::watchers() const {
    return word_at(offsetof(abi::Header, change) + offsetof(abi::ChangeLine, watchers));
}

bool Memory::is_untouched() const {
    std::array<std::byte, sizeof(abi::Header)> header{};
    [[maybe_unused]] const ssize_t size = pread(fd_.number(), header.data(), header.size(), 0);
    return std::ranges::all_of(header, [](std::byte byte) { return byte == std::byte{0}; });
}

Result<proto::Mapping> Memory::map_header(proto::Mapping::Access access) const {
    return proto::Mapping::map(fd_.number(), proto::page_bytes(pages_), access);
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

// A process of our own uid that has a descriptor can have a write lease with it (fcntl(2), F_SETLEASE). To
// open the memory would then wait for that process, up to 45 s; so it is refused.
Result<int> Memory::read_only() {
    if (!read_only_fd_) {
        const std::string path = "/proc/self/fd/" + std::to_string(fd_.number());
        read_only_fd_ = Fd::adopt(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    }
    if (!read_only_fd_) {
        return system_error("open the memory read-only");
    }
    return read_only_fd_.number();
}

} // namespace memshare::daemon
