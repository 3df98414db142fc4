// Two processes that tell each other something by memshare: a Value for each way.
#pragma once

#include "tests/bench/broker_process.h"
#include "tests/bench/hop.h"

#include <sys/epoll.h>

#include <array>
#include <optional>

namespace memshare::bench {

// The number that is told is the value; the one before it is what is waited past.
class Values {
  public:
    explicit Values(BrokerProcess& broker)
        : broker_path_(broker.path()),
          names_{new_name(), new_name()},
          values_{create(broker, names_[0]), create(broker, names_[1])} {
        look();
    }

    // The same values, as a child of this process has them: by a connection of its own, and by their names.
    Values in_child() const { return {broker_path_, names_}; }

    void send(Way way, std::uint64_t number) { of(way).store(number); }
    void wait(Way way, std::uint64_t number) { of(way).wait(number - 1); }

    Value<std::uint64_t>& of(Way way) { return values_[way == Way::there ? 0 : 1]; }

  private:
    using Names = std::array<std::string, 2>;

    Values(const std::string& broker_path, const Names& names)
        : Values(broker_path, names, Broker(broker_path)) {}
    Values(const std::string& broker_path, const Names& names, Broker broker)
        : broker_path_(broker_path),
          names_(names),
          values_{Value<std::uint64_t>::open(names_[0], {.broker = &broker}),
                  Value<std::uint64_t>::open(names_[1], {.broker = &broker})} {
        look();
    }
    static Value<std::uint64_t> create(BrokerProcess& broker, const std::string& name) {
        return Value<std::uint64_t>::create(name, 0,
                                            {.lifetime = Lifetime::attached, .broker = &broker.client()});
    }

    // At its first wait each decides by the processors that it then sees whether it may ever look, awake.
    void look() {
        for (const auto& value : values_) {
            value.wait_for(0, std::chrono::nanoseconds::zero());
        }
    }

    std::string broker_path_;
    Names names_;
    std::array<Value<std::uint64_t>, 2> values_;
};

// The same by the descriptors that an event loop would have.
class WatchedValues {
  public:
    explicit WatchedValues(Values values)
        : values_(std::move(values)), events_(proto::Fd::adopt(epoll_create1(EPOLL_CLOEXEC))) {}

    WatchedValues in_child() const { return WatchedValues(values_.in_child()); }

    void send(Way way, std::uint64_t number) { values_.send(way, number); }
    void wait(Way way, std::uint64_t number) {
        if (!watch_) { // not before: its thread stays on the processors of the one that makes it
            watch(way);
        }
        while (values_.of(way).load() != number) {
            epoll_event event{};
            epoll_wait(events_.number(), &event, 1, -1);
            watch_->clear();
        }
    }

  private:
    void watch(Way way) {
        watch_ = values_.of(way).watch();
        epoll_event event{.events = EPOLLIN, .data = {}};
        epoll_ctl(events_.number(), EPOLL_CTL_ADD, watch_->descriptor(), &event);
    }

    Values values_;
    proto::Fd events_;
    std::optional<Watch> watch_;
};

} // namespace memshare::bench
