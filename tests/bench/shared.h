// What this process shares with the children that it forks, without memshare.
#pragma once

#include "proto/abi/futex.hpp"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <new>
#include <system_error>

namespace memshare::bench {

// A T on pages of its own. It is not destroyed, as a child may have been killed in the middle of using it.
template <typename T> class Shared {
  public:
    Shared() {
        void* const place = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (place == MAP_FAILED) {
            throw std::system_error(errno, std::system_category(), "mmap");
        }
        object_ = new (place) T{};
    }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    ~Shared() { munmap(static_cast<void*>(object_), sizeof(T)); }

    T& operator*() const { return *object_; }
    T* operator->() const { return object_; }

  private:
    T* object_;
};

// Where one process waits until another one lets it pass, once.
class Gate {
  public:
    void open() {
        open_.store(1);
        abi::futex_wake_one(open_);
    }
    void pass() {
        while (open_.exchange(0) == 0) {
            abi::futex_wait(open_, 0, nullptr);
        }
    }

  private:
    std::atomic<std::uint32_t> open_ = 0;
};

} // namespace memshare::bench
