#include "daemon/log_queue.h"

#include "daemon/wake_up.h"
#include "proto/limits.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace memshare::daemon {

struct LogQueue::Shared {
    std::mutex mutex;
    WakeUp changed;
    std::condition_variable written;
    std::deque<Entry> waiting;
    std::size_t lost = 0;
    bool started = false, writing = false, ending = false;
    std::function<void(std::size_t)> tell_lost;

    bool is_empty() const { return waiting.empty() && lost == 0 && !writing; }
    void work();
};

// What cannot be written, as there is no memory or nobody to write to, is lost.
void LogQueue::Shared::work() {
    std::unique_lock lock(mutex);
    while (!ending) {
        if (waiting.empty() && lost == 0) {
            lock.unlock();
            changed.wait();
            lock.lock();
            continue;
        }
        // Those that were dropped would have come after all that wait.
        Entry entry;
        std::size_t missing = 0;
        if (!waiting.empty()) {
            entry = std::move(waiting.front());
            waiting.pop_front();
        } else {
            missing = std::exchange(lost, 0);
        }
        writing = true;
        lock.unlock();
        try {
            if (entry) {
                entry();
            } else if (missing > 0) {
                tell_lost(missing);
            }
        } catch (...) { // NOLINT(bugprone-empty-catch)
        }
        entry = nullptr;
        lock.lock();
        writing = false;
        if (is_empty()) {
            written.notify_all();
        }
    }
}

LogQueue::LogQueue(std::function<void(std::size_t)> tell_lost) : shared_(std::make_shared<Shared>()) {
    shared_->tell_lost = std::move(tell_lost);
}

LogQueue::~LogQueue() {
    const std::scoped_lock lock(shared_->mutex);
    shared_->ending = true;
    shared_->changed.call();
}

void LogQueue::write(Entry entry) {
    const std::scoped_lock lock(shared_->mutex);
    if (shared_->waiting.size() < proto::limits::log_entries_waiting && shared_->lost == 0) {
        shared_->waiting.push_back(std::move(entry));
    } else {
        ++shared_->lost;
    }
    if (!shared_->started) {
        start();
    }
    shared_->changed.call();
}

void LogQueue::start() {
    try {
        std::thread([shared = shared_] { shared->work(); }).detach();
        shared_->started = true;
    } catch (const std::system_error&) { // NOLINT(bugprone-empty-catch): the next entry tries again
    }
}

bool LogQueue::finish(std::chrono::milliseconds longest) {
    std::unique_lock lock(shared_->mutex);
    const auto is_empty = [this] { return shared_->is_empty(); };
    return shared_->started ? shared_->written.wait_for(lock, longest, is_empty) : is_empty();
}

} // namespace memshare::daemon
