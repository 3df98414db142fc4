#include "client/python/src/fork_notice.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

namespace memshare::python {
namespace {

using Word = std::atomic<std::uint32_t>;

constinit Word never_wiped =
    1; // NOLINT(*-avoid-non-const-global-variables): where the kernel has no such page

Word* wiped_page() noexcept {
    const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return &never_wiped;
    }
    if (madvise(memory, size, MADV_WIPEONFORK) != 0) {
        munmap(memory, size);
        return &never_wiped;
    }
    return new (memory) Word(1);
}

} // namespace

Word* const ForkNotice::word = wiped_page();

} // namespace memshare::python
