#include "daemon/slow_closer.h"

#include "daemon/wake_up.h"

#include <asio/post.hpp>

#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace memshare::daemon {

struct SlowCloser::Work {
    struct Item {
        std::uint64_t number = 0;
        proto::Fd fd;
    };

    std::mutex mutex;
    WakeUp changed;
    std::deque<Item> waiting;
    asio::io_context* loop = nullptr; // while it may be told
    bool started = false, ending = false;
};

SlowCloser::SlowCloser(asio::io_context& loop, Quota& quota)
    : loop_(loop), quota_(quota), work_(std::make_shared<Work>()) {
    work_->loop = &loop;
}

// A descriptor that waits is not closed here, as that could take long: the last owner of `work_` does it,
// which is the thread, or else the kernel.
SlowCloser::~SlowCloser() {
    const std::scoped_lock lock(work_->mutex);
    work_->loop = nullptr;
    work_->ending = true;
    for (Work::Item& item : std::exchange(work_->waiting, {})) {
        static_cast<void>(item.fd.release());
    }
    work_->changed.call();
}

void SlowCloser::leave_the_loop() {
    const std::scoped_lock lock(work_->mutex);
    work_->loop = nullptr;
}

void SlowCloser::close(std::uint32_t uid, proto::Fd fd) {
    const std::uint64_t number = ++last_number_;
    charges_.emplace(number, quota_.charge_anyway(uid, {{Resource::descriptors, 1}}));
    {
        const std::scoped_lock lock(work_->mutex);
        work_->waiting.push_back({number, std::move(fd)});
    }
    if (!std::exchange(work_->started, true)) {
        start();
    }
    work_->changed.call();
}

void SlowCloser::start() {
    const auto closes_one_after_another = [work = work_, weak = weak_from_this()] {
        std::unique_lock lock(work->mutex);
        while (true) {
            if (work->ending) {
                return;
            }
            if (work->waiting.empty()) {
                lock.unlock();
                work->changed.wait();
                lock.lock();
                continue;
            }
            Work::Item item = std::move(work->waiting.front());
            work->waiting.pop_front();
            lock.unlock();
            item.fd.close();
            lock.lock();
            if (work->loop != nullptr) {
                asio::post(*work->loop, [weak, number = item.number] {
                    if (const auto closer = weak.lock()) {
                        closer->charges_.erase(number);
                    }
                });
            }
        }
    };
    try {
        std::thread(closes_one_after_another).detach();
    } catch (const std::system_error&) { // no thread for now: the next descriptor tries again
        work_->started = false;
    }
}

} // namespace memshare::daemon
