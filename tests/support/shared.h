// Memory that a test shares with the children it has from then on: for what a child that may be killed at any
// moment has to tell. It has nothing to do with what is tested.
#pragma once

#include <sys/mman.h>

#include <memory>
#include <new>

namespace memshare::test {

template <typename T> class Shared {
  public:
    Shared() {
        void* place =
            mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, /*fd=*/-1, 0);
        if (place == MAP_FAILED) {
            throw std::bad_alloc();
        }
        all_ = new (place) T();
    }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    ~Shared() { munmap(all_, sizeof(T)); }

    T* operator->() const { return all_; }

  private:
    T* all_;
};

} // namespace memshare::test
