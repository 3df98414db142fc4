// The memory of one segment: a memfd that nobody can resize, and only its owner's uid can open anew.
#pragma once

#include "proto/calls.h"
#include "proto/fd.h"

#include <span>

namespace memshare::daemon {

class Memory {
  public:
    // Makes memory of at least `size` bytes, all zero. No page is allocated yet.
    static proto::Result<Memory> create(const proto::SegmentId& id, std::uint64_t size);

    // What the kernel charges when all of it is touched: whole pages.
    std::uint64_t size() const { return size_; }

    // Writes the first bytes of the payload, before anybody else has a descriptor.
    proto::Result<void> write(std::span<const std::byte> bytes, std::uint64_t offset);

    // The descriptor to hand out for writing; borrowed.
    int writable() const { return fd_.number(); }

    // A new one that the kernel will not let anyone write through.
    proto::Result<proto::Fd> read_only() const;

    // Gives up the descriptor, to be closed elsewhere.
    proto::Fd release() && { return std::move(fd_); }

  private:
    Memory(proto::Fd fd, std::uint64_t size) : fd_(std::move(fd)), size_(size) {}

    proto::Fd fd_;
    std::uint64_t size_;
};

} // namespace memshare::daemon
