// A piece of a file's memory in this process's address space, with one owner.
#pragma once

#include "proto/error.h"

#include <cstddef>
#include <span>

namespace memshare::proto {

class Mapping {
  public:
    enum class Access { read, write };

    Mapping() = default;
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() { unmap(); }

    // Maps the first `size` bytes of a borrowed descriptor, shared. The descriptor may be closed afterwards.
    static Result<Mapping> map(int fd, std::size_t size, Access access);

    // Zeros that belong to no file: this process's alone, and a forked child has a copy of them.
    static Result<Mapping> of_zeros(std::size_t size);

    // Maps the first bytes of this file, as many as there are here, in place of what is here.
    Result<void> replace(int fd, Access access);

    explicit operator bool() const { return memory_.data() != nullptr; }
    std::span<std::byte> bytes() const { return memory_; }

    void unmap();

  private:
    explicit Mapping(std::span<std::byte> memory) : memory_(memory) {}

    std::span<std::byte> memory_;
};

} // namespace memshare::proto
