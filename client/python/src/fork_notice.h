// Whether this process was forked, in whatever way, since it last looked.
#pragma once

#include <atomic>
#include <cstdint>

namespace memshare::python {

// On a page that the kernel wipes in a forked child (MADV_WIPEONFORK), also in one that C code or a bare
// clone(2) has made, of which Python is not told. Without such a page (before Linux 4.14) only Python's own
// forks are noticed.
class ForkNotice {
  public:
    // In a forked child true, once.
    static bool take() noexcept {
        if (word->load(std::memory_order_relaxed) != 0) [[likely]] {
            return false;
        }
        word->store(1, std::memory_order_relaxed);
        return true;
    }

  private:
    static std::atomic<std::uint32_t>* const word;
};

} // namespace memshare::python
