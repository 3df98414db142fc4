#include "client/src/read_only_after_fork.h"

#include "client/src/fork_safe_mutex.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cstdlib>
#include <mutex>
#include <vector>

namespace memshare::client {
namespace {

// Never destroyed: a program can fork after its static objects are gone. As the mutex is taken around a fork,
// a child never finds the list half changed.
struct All {
    ForkSafeMutex mutex;
    std::vector<ReadOnlyAfterFork*> all;

    static All& instance() {
        static All& all = *new All();
        return all;
    }
};

} // namespace

ReadOnlyAfterFork::ReadOnlyAfterFork(std::span<std::byte> memory, std::atomic<Access>& access)
    : memory_(memory), access_(access) {
    static const int registered = pthread_atfork(nullptr, nullptr, protect_all);
    static_cast<void>(registered); // it fails only for want of memory, at the first such segment of a process
    const std::scoped_lock lock(All::instance().mutex);
    All::instance().all.push_back(this);
}

ReadOnlyAfterFork::~ReadOnlyAfterFork() {
    const std::scoped_lock lock(All::instance().mutex);
    std::erase(All::instance().all, this);
}

// In a child, which has one thread.
void ReadOnlyAfterFork::protect_all() {
    for (ReadOnlyAfterFork* one : All::instance().all) {
        if (mprotect(one->memory_.data(), one->memory_.size(), PROT_READ) != 0) {
            std::abort(); // the promise to the readers could not be kept
        }
        one->access_ = Access::read;
    }
}

} // namespace memshare::client
