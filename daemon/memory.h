// The memory of one segment: a memfd that nobody can resize, and only its owner's uid can open anew.
#pragma once

#include "proto/calls.h"
#include "proto/fd.h"
#include "proto/mapping.h"

#include <span>

namespace memshare::daemon {

// Which seals clients can add to the memory, besides those against resizing that it has from the start.
enum class Seals {
    all,              // none
    freezable,        // F_SEAL_WRITE
    exclusive_writer, // F_SEAL_FUTURE_WRITE, which its creator adds once it has mapped the memory
};

class Memory {
  public:
    // Makes memory of at least `size` bytes, all zero. No page is allocated yet; those of a pool are
    // reserved. Where there are none of the pages that are asked for, it has ordinary ones.
    static proto::Result<Memory> create(const proto::SegmentId& id, std::uint64_t size,
                                        Seals seals = Seals::all, proto::HugePages pages = {});

    // Takes up memory that was made so by another process of ours.
    static proto::Result<Memory> adopt(proto::Fd fd, proto::HugePages pages);

    // What the kernel charges when all of it is touched: whole pages.
    std::uint64_t size() const { return size_; }
    static std::uint64_t size_for(std::uint64_t bytes, proto::HugePages pages);

    proto::HugePages pages() const { return pages_; }

    // Writes the first bytes of the payload, before anybody else has a descriptor. Not into pages of a pool.
    proto::Result<void> write(std::span<const std::byte> bytes, std::uint64_t offset);

    // Which seals clients have added by now. No seal is added here once a client has the memory: that would
    // wait for as long as a client holds the memfd's lock in the kernel, in a write(2) or fallocate(2) of its
    // own.
    bool is_frozen() const;
    bool is_closed_to_new_writers() const;

    // What the header says, without touching its page.
    std::uint32_t lock_word() const;
    std::uint32_t watchers() const;
    bool is_untouched() const; // all of it is zero

    // Its page, however large, for a moment, as there may be more segments than a process can map.
    proto::Result<proto::Mapping> map_header(proto::Mapping::Access access) const;

    // The descriptor to hand out for writing; borrowed.
    int writable() const { return fd_.number(); }

    // Another one that the kernel will not let anyone write through. It is opened when it is first asked for,
    // which takes a quarter of an attachment's whole time, and borrowed as well.
    proto::Result<int> read_only();
    bool is_open_read_only() const { return static_cast<bool>(read_only_fd_); }

    // Its segment is gone: to let go of it is to free it.
    void release() { is_released_ = true; }
    bool is_released() const { return is_released_; }

  private:
    std::uint32_t word_at(std::size_t offset) const;
    bool has_seal(unsigned seal) const;
    Memory(proto::Fd fd, std::uint64_t size, proto::HugePages pages)
        : fd_(std::move(fd)), size_(size), pages_(pages) {}
    static proto::Result<Memory> create_of(proto::HugePages pages, const proto::SegmentId& id,
                                           std::uint64_t size, Seals seals);

    proto::Fd fd_, read_only_fd_;
    std::uint64_t size_;
    proto::HugePages pages_;
    bool is_released_ = false;
};

} // namespace memshare::daemon
