#include "tests/client/failing_memory.h"

#include <cstdlib>
#include <new>

namespace {

constinit thread_local int allocations_left = -1; // before one fails; below 0: none does

void* allocate(std::size_t size) {
    if (allocations_left >= 0 && allocations_left-- == 0) {
        return nullptr;
    }
    return std::malloc(size == 0 ? 1 : size);
}

} // namespace

// The other forms are made of these.
void* operator new(std::size_t size) {
    void* const memory = allocate(size);
    return memory != nullptr ? memory : throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }

namespace memshare::test {

void let_allocation_fail(int nth) { allocations_left = nth; }

bool let_no_allocation_fail() {
    const bool has_failed = allocations_left < 0;
    allocations_left = -1;
    return has_failed;
}

} // namespace memshare::test
