#include "client/src/fork_safe_mutex.h"

#include <pthread.h>

#include <algorithm>
#include <vector>

namespace memshare::client {
namespace {

// Never destroyed: a program can fork after its static objects are gone.
struct All {
    std::mutex mutex;
    std::vector<ForkSafeMutex*> mutexes;

    static All& instance() {
        static All& all = *new All();
        return all;
    }
};

void lock_all() {
    All::instance().mutex.lock();
    std::ranges::for_each(All::instance().mutexes, [](ForkSafeMutex* one) { one->lock(); });
}

void unlock_all() {
    std::ranges::for_each(All::instance().mutexes, [](ForkSafeMutex* one) { one->unlock(); });
    All::instance().mutex.unlock();
}

} // namespace

ForkSafeMutex::ForkSafeMutex() {
    static const int registered = pthread_atfork(lock_all, unlock_all, unlock_all);
    static_cast<void>(registered); // it fails only for want of memory, at the first connection of a process
    const std::scoped_lock lock(All::instance().mutex);
    All::instance().mutexes.push_back(this);
}

ForkSafeMutex::~ForkSafeMutex() {
    const std::scoped_lock lock(All::instance().mutex);
    std::erase(All::instance().mutexes, this);
}

} // namespace memshare::client
