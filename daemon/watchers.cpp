#include "daemon/watchers.h"

#include "proto/limits.h"

#include <iterator>
#include <utility>

namespace memshare::daemon {

std::optional<proto::Event> Watcher::take() {
    if (queue_.empty()) {
        return std::nullopt;
    }
    proto::Event event = *queue_.front();
    queue_.pop_front();
    event.lost = std::exchange(lost_, 0);
    return event;
}

bool Watcher::add(std::shared_ptr<const proto::Event> event) {
    const bool is_full = queue_.size() == proto::limits::events_waiting;
    if (is_full) {
        queue_.pop_front();
        ++lost_;
    }
    queue_.push_back(std::move(event));
    if (queue_.size() == 1 && wake_) { // who has one already knows
        wake_();
    }
    return is_full;
}

std::shared_ptr<Watcher> Watchers::add(Filter filter, std::uint64_t now_usec) {
    Same& same = by_pattern_[filter.pattern];
    for (const std::weak_ptr<Watcher>& one : same) {
        if (const auto other = one.lock()) {
            filter.compiled = other->filter_.compiled;
            break;
        }
    }
    auto watcher = std::make_shared<Watcher>(std::move(filter));
    watcher->add(std::make_shared<const proto::Event>(
        proto::Event{.kind = proto::EventKind::ready, .time_usec = now_usec, .segment = {}, .process = {}}));
    same.push_back(watcher);
    return watcher;
}

void Watchers::tell(const Segment& segment, proto::Event event) {
    const auto shared = std::make_shared<const proto::Event>(std::move(event));
    for (auto next = by_pattern_.begin(); next != by_pattern_.end();) {
        Same& same = next->second;
        std::optional<bool> matches; // not asked before somebody may hear of it
        std::erase_if(same, [&](const std::weak_ptr<Watcher>& one) {
            const auto watcher = one.lock();
            if (watcher != nullptr && watcher->filter_.may_take(segment)) {
                matches = matches ? matches : watcher->filter_.matches(segment);
                lost_ += *matches && watcher->add(shared) ? 1U : 0U;
            }
            return watcher == nullptr;
        });
        next = same.empty() ? by_pattern_.erase(next) : std::next(next);
    }
}

} // namespace memshare::daemon
