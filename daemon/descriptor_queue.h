// A queue of descriptors that outlives this process: they wait as messages in a pair of connected sockets, as
// long as anybody has both of them. It can be looked through without taking anything out.
#pragma once

#include "proto/fd.h"

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace memshare::daemon {

class DescriptorQueue {
  public:
    static proto::Result<DescriptorQueue> create();

    // The one that these two sockets are.
    static DescriptorQueue adopt(proto::Fd one, proto::Fd other);

    // Both sockets; borrowed.
    std::array<int, 2> sockets() const { return {in_.number(), out_.number()}; }

    // A descriptor with a number of the caller's to know it by; borrowed.
    struct Item {
        std::uint32_t number = 0;
        int fd = -1;
    };
    static constexpr std::size_t most_items = 250; // the kernel's bound is 253

    // Adds a message. An error (resource_unavailable_try_again), if there is no room for one more.
    proto::Result<void> append(std::span<const Item> items);

    // Takes the oldest message out, and closes what was in it.
    void drop_front();

    // Shows what each message holds, in their order: only the numbers, or also a second owner of every
    // descriptor. An error (too many open files), if this process may not have so many.
    struct Shown {
        std::uint32_t number = 0;
        proto::Fd fd{};
    };
    enum class With { numbers, descriptors };
    proto::Result<void> look_through(With what, const std::function<void(std::vector<Shown>)>& show) const;

  private:
    DescriptorQueue(proto::Fd in, proto::Fd out) : in_(std::move(in)), out_(std::move(out)) {}

    proto::Fd in_, out_;
};

} // namespace memshare::daemon
