// Memory that this process writes and its forked children only read.
#pragma once

#include <memshare/options.hpp>

#include <atomic>
#include <cstddef>
#include <span>

namespace memshare::client {

// A child inherits what its parent has mapped, also for writing. Of an exclusive writer's segment nobody but
// the parent may write: so what is registered here is made read-only in each forked child, before fork(3)
// returns there. (A child made by clone(2) or _Fork(3), which call nobody, is not covered; vfork(2) needs
// nothing, as that child is still its parent.)
class ReadOnlyAfterFork {
  public:
    // Both borrowed; `access` becomes read in the child.
    ReadOnlyAfterFork(std::span<std::byte> memory, std::atomic<Access>& access);
    ReadOnlyAfterFork(const ReadOnlyAfterFork&) = delete;
    ReadOnlyAfterFork& operator=(const ReadOnlyAfterFork&) = delete;
    ~ReadOnlyAfterFork();

  private:
    static void protect_all();

    std::span<std::byte> memory_;
    std::atomic<Access>& access_;
};

} // namespace memshare::client
