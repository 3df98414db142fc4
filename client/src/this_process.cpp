#include "client/src/this_process.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <new>

namespace memshare::client {
namespace {

using Generation = std::atomic<std::uint64_t>;

// On a page that the kernel wipes in a child: 0 until the process asks. Never unmapped, as a program can call
// until its end.
Generation* wiped_page() noexcept {
    const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return nullptr;
    }
    if (madvise(memory, size, MADV_WIPEONFORK) != 0) {
        munmap(memory, size);
        return nullptr;
    }
    return new (memory) Generation(0);
}

} // namespace

std::uint64_t process_generation() noexcept {
    static Generation* const own = wiped_page();
    static Generation last = 0; // that the process, or one that it was forked from, has used
    if (own == nullptr) {
        return 0;
    }
    std::uint64_t generation = own->load(std::memory_order_relaxed);
    if (generation == 0) {
        const std::uint64_t fresh = last.fetch_add(1) + 1;
        generation = own->compare_exchange_strong(generation, fresh) ? fresh : generation;
    }
    return generation;
}

} // namespace memshare::client
