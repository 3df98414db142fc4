#include "daemon/errands.h"

#include <asio/post.hpp>

#include <utility>

namespace memshare::daemon {

Errands::~Errands() {
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
    }
    changed_.notify_one();
    worker_.join();
}

void Errands::run(Errand errand) {
    {
        const std::scoped_lock lock(mutex_);
        waiting_.push_back(std::move(errand));
    }
    changed_.notify_one();
}

void Errands::work() {
    std::unique_lock lock(mutex_);
    while (!ending_ || !waiting_.empty()) {
        changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        if (waiting_.empty()) {
            continue;
        }
        Errand errand = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        if (Outcome outcome = errand()) {
            asio::post(loop_, std::move(outcome));
        }
        errand = {};
        lock.lock();
    }
}

} // namespace memshare::daemon
