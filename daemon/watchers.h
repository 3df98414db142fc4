// Those who watch what happens to segments, each with a queue of what they have not taken yet. Pure.
#pragma once

#include "daemon/filter.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace memshare::daemon {

// One who watches. For one who does not keep up the oldest events are dropped, and counted.
class Watcher {
  public:
    explicit Watcher(Filter filter) : filter_(std::move(filter)) {}

    // The oldest event that waits; nothing, if none does.
    std::optional<proto::Event> take();

    // To be called when there is one, from now on.
    void when_something_happens(std::function<void()> call) { wake_ = std::move(call); }

  private:
    friend class Watchers;

    Filter filter_;
    std::deque<proto::Event> queue_;
    std::uint64_t lost_ = 0;
    std::function<void()> wake_;
};

class Watchers {
  public:
    // Watches as long as somebody keeps what is returned.
    std::shared_ptr<Watcher> add(Filter filter, std::uint64_t now_usec);

    // Whether anybody does.
    bool empty() const { return watchers_.empty(); }

    // How many events were dropped, ever.
    std::uint64_t lost() const { return lost_; }

    void tell(const Segment& segment, const proto::Event& event);

  private:
    std::vector<std::weak_ptr<Watcher>> watchers_;
    std::uint64_t lost_ = 0;
};

} // namespace memshare::daemon
