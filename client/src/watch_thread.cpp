#include "client/src/watch_thread.h"

#include "client/src/background_thread.h"
#include "client/src/thread_files.h"
#include "proto/without_cancellation.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace memshare::client {
namespace {

constexpr long sys_futex_waitv = 449;   // younger than our C library's headers
constexpr std::uint32_t of_32_bits = 2; // FUTEX_32, and not private to the process

// As in Changes: nobody sleeps longer without looking for itself.
constexpr std::chrono::seconds longest_sleep{1};

// Until it takes what was sent to it.
constexpr std::chrono::seconds longest_wait_for_thread{5};

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
    return process_ == getpid() && all_.size() < most && sending_.is_there();
}

// Until the thread has a table of its own, or has said that it cannot, its end of the pair is in the
// program's.
WatchThread::WatchThread() : process_(getpid()) {
    auto pair = pair_of_sockets();
    if (!pair) {
        throw_error(pair.error());
    }
    words_.reserve(most + 1);
    all_.reserve(most);
    auto& [sending, receiving] = *pair;
    sending_.adopt(std::move(sending));
    thread_ = std::make_unique<std::thread>(
        start_background_thread("memshare-watch", [this, number = receiving.number()] { work(number); }));
    table_.wait(Table::unknown);
    if (table_ == Table::shared) {
        static_cast<void>(receiving.release());
    }
}

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

// What was sent before may fill the socket, until the thread has had its turn on a processor.
bool WatchThread::add(Watched& watched, int writing) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + longest_wait_for_thread;
    std::unique_lock lock(mutex_);
    while (all_.size() < most && sending_.is_there()) {
        watched.number = ++last_number_;
        const auto sent = send_file(sending_.number(), watched.number, writing);
        if (sent) {
            all_.push_back(&watched);
            look_again();
            return true;
        }
        const bool is_full = sent.error().code == std::errc::resource_unavailable_try_again ||
                             sent.error().code.value() == ETOOMANYREFS;
        if (!is_full || Clock::now() > end) {
            throw_error(sent.error());
        }
        look_again();
        lock.unlock();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        lock.lock();
    }
    return false;
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

// The writing ends, of which only the thread knows.
class WatchThread::Pipes {
  public:
    explicit Pipes(int receiving) : files_(receiving) {}

    bool has_own_table() const { return files_.has_own_table(); }

    // Takes what was sent for these, and closes what is of none of them any more.
    void update(const std::vector<Watched*>& all) {
        const auto is_watched = [&](std::uint64_t number) {
            return std::ranges::find(all, number, &Watched::number) != all.end();
        };
        for (End& end : ends_) {
            if (end.number != 0 && !is_watched(end.number)) {
                end = {};
            }
        }
        while (auto sent = files_.next()) {
            if (is_watched(sent->number)) {
                *find(0) = {.number = sent->number, .file = std::move(sent->file)};
            }
        }
    }

    // Makes a pipe readable. One that is full is.
    void write_to(std::uint64_t number) {
        const End* const end = find(number);
        if (end != ends_.end() && end->file.is_there()) {
            const char byte = 1;
            static_cast<void>(::write(end->file.number(), &byte, sizeof(byte)) == sizeof(byte));
        }
    }

  private:
    struct End {
        std::uint64_t number = 0; // 0: none
        OwnFile file{};
    };

    End* find(std::uint64_t number) { return std::ranges::find(ends_, number, &End::number); }

    ThreadFiles files_;
    std::array<End, most> ends_; // a vector would need memory, for want of which a thread cannot end well
};

void WatchThread::work(int receiving) {
    Pipes pipes(receiving);
    table_ = pipes.has_own_table() ? Table::own : Table::shared;
    table_.notify_one();
    std::unique_lock lock(mutex_);
    while (!ending_) {
        look_at_all(pipes);
        lock.unlock();
        sleep_on(changes_, words_);
        lock.lock();
    }
}

// What it sleeps on was read before it looked, so a change after the look is not slept through.
void WatchThread::look_at_all(Pipes& pipes) {
    words_.clear();
    words_.push_back(while_it_is(changes_, changes_.load()));
    pipes.update(all_);
    for (Watched* watched : all_) {
        const auto& signal = watched->attachment->header().change.signal;
        words_.push_back(while_it_is(signal, signal.load()));
        if (const auto state = watched->attachment->state(); state != watched->state) {
            watched->state = state;
            pipes.write_to(watched->number);
        }
    }
}

} // namespace memshare::client
