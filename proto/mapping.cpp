#include "proto/mapping.h"

#include <sys/mman.h>

#include <utility>

namespace memshare::proto {

Mapping::Mapping(Mapping&& other) noexcept : memory_(std::exchange(other.memory_, {})) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    if (this != &other) {
        unmap();
        memory_ = std::exchange(other.memory_, {});
    }
    return *this;
}

namespace {

int protection_for(Mapping::Access access) {
    return access == Mapping::Access::write ? PROT_READ | PROT_WRITE : PROT_READ;
}

} // namespace

Result<Mapping> Mapping::map(int fd, std::size_t size, Access access) {
    void* start = mmap(nullptr, size, protection_for(access), MAP_SHARED, fd, 0);
    if (start == MAP_FAILED) {
        return system_error("map the memory");
    }
    return Mapping({static_cast<std::byte*>(start), size});
}

Result<Mapping> Mapping::of_zeros(std::size_t size) {
    void* start = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        return system_error("map memory of no file");
    }
    return Mapping({static_cast<std::byte*>(start), size});
}

Result<void> Mapping::replace(int fd, Access access) {
    if (mmap(memory_.data(), memory_.size(), protection_for(access), MAP_SHARED | MAP_FIXED, fd, 0) ==
        MAP_FAILED) {
        return system_error("map the memory anew");
    }
    return {};
}

void Mapping::unmap() {
    if (!memory_.empty()) {
        munmap(memory_.data(), memory_.size());
        memory_ = {};
    }
}

} // namespace memshare::proto
