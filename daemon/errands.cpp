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

void Errands::leave(Queue& queue, Errand errand) {
    {
        const std::scoped_lock lock(mutex_);
        queue.push_back(std::move(errand));
    }
    changed_.notify_one();
}

void Errands::work() {
    std::unique_lock lock(mutex_);
    const auto is_idle = [this] { return first_.empty() && others_.empty(); };
    while (!ending_ || !is_idle()) {
        changed_.wait(lock, [&] { return ending_ || !is_idle(); });
        if (is_idle()) {
            continue;
        }
        Queue& queue = first_.empty() ? others_ : first_;
        Errand errand = std::move(queue.front());
        queue.pop_front();
        lock.unlock();
        if (Outcome outcome = errand()) {
            asio::post(loop_, std::move(outcome));
        }
        errand = {};
        lock.lock();
    }
}

} // namespace memshare::daemon
