#include "daemon/worker.h"

#include "proto/limits.h"

#include <asio/post.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace memshare::daemon {
namespace {

// How long a thread that is one too many waits for work before it ends.
constexpr std::chrono::seconds longest_idle{1};

// Completions between two looks at the loop's sockets.
constexpr std::size_t completions_in_a_row = 16;

} // namespace

struct Worker::Shared {
    Shared(asio::io_context& loop_of_completions, std::function<void()> call_when_settled)
        : loop(loop_of_completions), settled(std::move(call_when_settled)) {}

    asio::io_context& loop;
    std::function<void()> settled;
    std::mutex mutex;
    std::condition_variable changed; // there is work, or all of it is to end
    std::condition_variable ended;   // of a thread, or of work
    WorkQueue queue{proto::limits::worker_threads_for_one_owner};
    std::deque<Completion> completions; // for the loop
    std::size_t threads = 0, idle = 0;
    bool ending = false;
};

Worker::Worker(asio::io_context& loop, std::function<void()> settled)
    : shared_(std::make_shared<Shared>(loop, std::move(settled))) {
    const std::scoped_lock lock(shared_->mutex);
    start_thread(shared_);
}

Worker::~Worker() {
    std::unique_lock lock(shared_->mutex);
    shared_->ending = true;
    shared_->changed.notify_all();
    shared_->ended.wait(lock, [this] { return shared_->threads == 0; });
}

void Worker::run(Work work) {
    const std::scoped_lock lock(shared_->mutex);
    shared_->queue.add(std::move(work));
    shared_->changed.notify_one();
}

bool Worker::finish(std::chrono::steady_clock::time_point until) {
    std::unique_lock lock(shared_->mutex);
    return shared_->ended.wait_until(lock, until, [this] { return shared_->queue.is_idle(); });
}

// With the lock. Without another thread the busy ones do all the work.
void Worker::start_thread(const std::shared_ptr<Shared>& shared) {
    try {
        std::thread([shared] { work(shared); }).detach();
        ++shared->threads;
    } catch (const std::system_error&) {
        if (shared->threads == 0) {
            throw;
        }
    }
}

void Worker::work(const std::shared_ptr<Shared>& shared) {
    std::unique_lock lock(shared->mutex);
    while (true) {
        auto next = shared->queue.begin();
        if (!next) {
            if (shared->ending && shared->queue.empty()) {
                break;
            }
            ++shared->idle;
            const bool is_told = shared->changed.wait_for(lock, longest_idle) == std::cv_status::no_timeout;
            --shared->idle;
            if (!is_told && shared->idle > 0) { // another one waits for work
                break;
            }
            continue;
        }
        if (shared->idle == 0 && shared->threads < proto::limits::worker_threads) {
            start_thread(shared);
        }
        lock.unlock();
        Completion completion = next->run();
        next->run = nullptr;
        lock.lock();
        shared->queue.finish(next->uid, next->memory);
        if (completion) {
            if (shared->completions.empty()) {
                asio::post(shared->loop, [shared] { complete(shared); });
            }
            shared->completions.push_back(std::move(completion));
        }
        shared->changed.notify_one(); // what could not begin beside this one may begin now
        shared->ended.notify_all();
    }
    --shared->threads;
    shared->changed.notify_one();
    shared->ended.notify_all();
}

// On the loop.
void Worker::complete(const std::shared_ptr<Shared>& shared) {
    std::vector<Completion> now;
    {
        const std::scoped_lock lock(shared->mutex);
        auto& all = shared->completions;
        const auto end =
            all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), completions_in_a_row));
        now.assign(std::make_move_iterator(all.begin()), std::make_move_iterator(end));
        all.erase(all.begin(), end);
        if (!all.empty()) {
            asio::post(shared->loop, [shared] { complete(shared); });
        }
    }
    for (Completion& completion : now) {
        completion();
        completion = nullptr;
    }
    shared->settled();
}

} // namespace memshare::daemon
