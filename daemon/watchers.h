// Those who watch what happens to segments, each with a queue of what they have not taken yet. Pure.
#pragma once

#include "daemon/filter.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace memshare::daemon {

// One who watches. For one who does not keep up the oldest events are dropped, and counted.
class Watcher {
  public:
    explicit Watcher(Filter filter) : filter_(std::move(filter)) {}

    // The oldest event that waits; nothing, if none does.
    std::optional<proto::Event> take();

    // To be called when there is one again after there was none, from now on.
    void when_something_happens(std::function<void()> call) { wake_ = std::move(call); }

  private:
    friend class Watchers;

    Filter filter_;
    // Whether the oldest event was dropped for this one.
    bool add(std::shared_ptr<const proto::Event> event);

    std::deque<std::shared_ptr<const proto::Event>> queue_; // each is shared with all others that hear of it
    std::uint64_t lost_ = 0;
    std::function<void()> wake_;
};

class Watchers {
  public:
    // Watches as long as somebody keeps what is returned.
    std::shared_ptr<Watcher> add(Filter filter, std::uint64_t now_usec);

    // Whether anybody does.
    bool empty() const { return by_pattern_.empty(); }

    // How many events were dropped, ever.
    std::uint64_t lost() const { return lost_; }

    // Holds the name against each different pattern once, however many watch with it.
    void tell(const Segment& segment, proto::Event event);

  private:
    using Same = std::vector<std::weak_ptr<Watcher>>; // watchers with the same pattern

    std::map<std::string, Same, std::less<>> by_pattern_;
    std::uint64_t lost_ = 0;
};

} // namespace memshare::daemon
