#include "client/src/watch_thread.h"

#include "proto/without_cancellation.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace memshare::client {
namespace {

// Both younger than our C library's headers.
constexpr long sys_futex_waitv = 449;
struct WaitedFor {
    std::uint64_t value = 0;
    std::uint64_t address = 0;
    std::uint32_t flags = 0;
    std::uint32_t reserved = 0;
};
constexpr std::uint32_t of_32_bits = 2; // FUTEX_32, and not private to the process

// As in Changes: nobody sleeps longer without looking for itself.
constexpr std::chrono::seconds longest_sleep{1};

// Where the kernel cannot tell.
constexpr std::chrono::milliseconds between_looks{5};

WaitedFor while_it_is(const std::atomic<std::uint32_t>& word, std::uint32_t value) {
    return {.value = value, .address = reinterpret_cast<std::uintptr_t>(&word), .flags = of_32_bits};
}

// The first word is the one that tells of changes of the list.
void sleep_on(const std::atomic<std::uint32_t>& list, std::span<const WaitedFor> words) {
    using Clock = std::chrono::steady_clock;
    const auto until = as_timespec(Clock::now() + longest_sleep);
    if (syscall(sys_futex_waitv, words.data(), words.size(), 0, &until, CLOCK_MONOTONIC) < 0 &&
        errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT) {
        // An older kernel (ENOSYS), or a container's filter, which may refuse it by any error.
        const auto soon = as_timespec(Clock::now() + between_looks);
        abi::futex_wait(list, static_cast<std::uint32_t>(words[0].value), &soon);
    }
}

// All of the process's; never destroyed, as watches of static duration may outlive everything.
struct All {
    ForkSafeMutex mutex;
    std::vector<std::weak_ptr<WatchThread>> threads;

    static All& instance() {
        static All& all = *new All();
        return all;
    }
};

// No signal comes to a thread that begins while this lives: those are for the program's own threads.
class WithoutSignals {
  public:
    WithoutSignals() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    WithoutSignals(const WithoutSignals&) = delete;
    WithoutSignals& operator=(const WithoutSignals&) = delete;
    ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_{};
};

std::unique_ptr<std::thread> start(auto work) {
    const WithoutSignals none;
    try {
        auto started = std::make_unique<std::thread>(work);
        pthread_setname_np(started->native_handle(), "memshare-watch");
        return started;
    } catch (const std::system_error& failure) {
        throw Error(failure.code(), "cannot start a thread that watches");
    }
}

} // namespace

// None is made, and none may end, while the list of all is locked: both take locks that a fork takes before
// it.
std::shared_ptr<WatchThread> WatchThread::with_room() {
    All& all = All::instance();
    std::vector<std::shared_ptr<WatchThread>> living;
    {
        const std::scoped_lock lock(all.mutex);
        std::erase_if(all.threads, [](const auto& one) { return one.expired(); });
        for (const auto& one : all.threads) {
            living.push_back(one.lock());
        }
    }
    for (const auto& thread : living) {
        if (thread && thread->has_room()) {
            return thread;
        }
    }
    auto thread = std::make_shared<WatchThread>();
    const std::scoped_lock lock(all.mutex);
    all.threads.push_back(thread);
    return thread;
}

bool WatchThread::has_room() {
    const std::scoped_lock lock(mutex_);
    return process_ == getpid() && all_.size() < most;
}

WatchThread::WatchThread() : process_(getpid()), thread_(start([this] { work(); })) {}

WatchThread::~WatchThread() {
    if (process_ != getpid()) {
        static_cast<void>(thread_.release()); // it is the parent's, and stayed there
        return;
    }
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
        look_again();
    }
    const proto::WithoutCancellation postponed; // a destructor must not unwind
    thread_->join();
}

bool WatchThread::add(Watched& watched) {
    const std::scoped_lock lock(mutex_);
    if (all_.size() == most) {
        return false;
    }
    all_.push_back(&watched);
    look_again();
    return true;
}

void WatchThread::remove(Watched& watched) {
    const std::scoped_lock lock(mutex_);
    std::erase(all_, &watched);
    look_again(); // it may be about to sleep on a word that is unmapped soon
}

void WatchThread::look_again() {
    changes_.fetch_add(1);
    abi::futex_wake_all(changes_);
}

// What it sleeps on was read before it looked, so a change after the look is not slept through.
void WatchThread::work() {
    std::array<WaitedFor, most + 1> words;
    std::unique_lock lock(mutex_);
    while (!ending_) {
        words[0] = while_it_is(changes_, changes_.load());
        std::size_t count = 1;
        for (Watched* watched : all_) {
            const auto& signal = watched->attachment->header().change.signal;
            words[count++] = while_it_is(signal, signal.load());
            if (const auto state = watched->attachment->state(); state != watched->state) {
                watched->state = state;
                eventfd_write(watched->event.number(), 1); // full is readable, too
            }
        }
        lock.unlock();
        sleep_on(changes_, std::span(words).first(count));
        lock.lock();
    }
}

} // namespace memshare::client
