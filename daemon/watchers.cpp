#include "daemon/watchers.h"

#include "proto/limits.h"

#include <utility>

namespace memshare::daemon {

std::optional<proto::Event> Watcher::take() {
    if (queue_.empty()) {
        return std::nullopt;
    }
    proto::Event event = std::move(queue_.front());
    queue_.pop_front();
    event.lost = std::exchange(lost_, 0);
    return event;
}

std::shared_ptr<Watcher> Watchers::add(Filter filter, std::uint64_t now_usec) {
    auto watcher = std::make_shared<Watcher>(std::move(filter));
    watcher->queue_.push_back(
        {.kind = proto::EventKind::ready, .time_usec = now_usec, .segment = {}, .process = {}});
    watchers_.push_back(watcher);
    return watcher;
}

void Watchers::tell(const Segment& segment, const proto::Event& event) {
    std::erase_if(watchers_, [&](const std::weak_ptr<Watcher>& one) {
        const auto watcher = one.lock();
        if (watcher && watcher->filter_.takes(segment)) {
            if (watcher->queue_.size() == proto::limits::events_waiting) {
                watcher->queue_.pop_front();
                ++watcher->lost_;
                ++lost_;
            }
            watcher->queue_.push_back(event);
            if (watcher->wake_) {
                watcher->wake_();
            }
        }
        return !watcher;
    });
}

} // namespace memshare::daemon
