#include "daemon/closer.h"

#include "proto/limits.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <utility>

namespace memshare::daemon {

Closer::Closer() : worker_([this] { work(); }) {}

Closer::~Closer() {
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
    }
    changed_.call();
    worker_.join();
}

void Closer::close(std::vector<std::shared_ptr<Memory>> memories) {
    const auto bytes = std::transform_reduce(memories.begin(), memories.end(), std::uint64_t{0}, std::plus{},
                                             [](const auto& memory) { return memory->size(); });
    if (bytes <= proto::limits::close_inline_bytes) {
        return;
    }
    std::vector<Kept> kept;
    kept.reserve(memories.size());
    std::ranges::move(memories, std::back_inserter(kept)); // or the last to let go would be this thread
    leave(std::move(kept));
}

bool Closer::finish(std::chrono::steady_clock::time_point until) {
    std::unique_lock lock(mutex_);
    return idle_.wait_until(lock, until, [this] { return waiting_.empty() && !is_closing_; });
}

void Closer::leave(std::vector<Kept> owners) {
    if (owners.empty()) {
        return;
    }
    {
        const std::scoped_lock lock(mutex_);
        std::ranges::move(owners, std::back_inserter(waiting_));
    }
    changed_.call();
}

// Nobody waits for it: so the loop, on as few processors, does not wait for it either.
void Closer::work() {
    constexpr int gives_way = 5; // but not so much that others could fill the memory meanwhile
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), gives_way);
    std::unique_lock lock(mutex_);
    while (!ending_ || !waiting_.empty()) {
        if (!ending_ && waiting_.empty()) {
            lock.unlock();
            changed_.wait();
            lock.lock();
            continue;
        }
        std::vector<Kept> now = std::exchange(waiting_, {});
        is_closing_ = true;
        lock.unlock();
        now.clear();
        lock.lock();
        is_closing_ = false;
        idle_.notify_all();
    }
}

} // namespace memshare::daemon
