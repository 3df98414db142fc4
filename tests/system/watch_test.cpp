// Descriptors for event loops: every loop that waits for one sees every change that stays.
#include "tests/support/chance.h"
#include "tests/support/with_broker.h"

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <iostream>

namespace memshare::test {
namespace {

using Number = std::uint64_t;

// Who slept past a change would wake of itself after a second, so this tells that somebody did.
constexpr milliseconds slept_past{sanitized ? 900 : 500};

constexpr Number last = ~Number{0};

bool is_readable(const Watch& watch, milliseconds within = long_enough) {
    pollfd descriptor{.fd = watch.descriptor(), .events = POLLIN, .revents = 0};
    return poll(&descriptor, 1, static_cast<int>(within.count())) > 0;
}

// Three loops. Each of them calls `look` whenever the watch says that there is something, until that is
// false.
using Look = std::function<bool()>;

void loop_by_epoll(Watch& watch, const Look& look) {
    const auto epoll = proto::Fd::adopt(epoll_create1(EPOLL_CLOEXEC));
    epoll_event wanted{.events = EPOLLIN, .data = {}};
    ASSERT_EQ(epoll_ctl(epoll.number(), EPOLL_CTL_ADD, watch.descriptor(), &wanted), 0);
    do {
        epoll_event came{};
        ASSERT_EQ(epoll_wait(epoll.number(), &came, 1, static_cast<int>(milliseconds(long_enough).count())),
                  1);
        watch.clear();
    } while (look());
}

void loop_by_asio(Watch& watch, const Look& look) {
    asio::io_context loop;
    asio::posix::stream_descriptor descriptor(loop, watch.descriptor());
    const std::function<void()> wait = [&] {
        descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [&](const std::error_code& failure) {
            ASSERT_FALSE(failure);
            watch.clear();
            if (look()) {
                wait();
            }
        });
    };
    wait();
    loop.run_for(std::chrono::minutes(2));
    descriptor.release(); // it is borrowed
}

void loop_by_poll(Watch& watch, const Look& look) {
    do {
        ASSERT_TRUE(is_readable(watch));
        watch.clear();
    } while (look());
}

class AWatch : public WithBroker {
  protected:
    // Says every value that it sees, by a watch in a loop, until it is the last one.
    template <typename Seen> ChildProcess watcher(void (*loop)(Watch&, const Look&)) {
        ChildProcess process([this, loop](Lines& parent) {
            Broker own(daemon.socket_path());
            const auto same = Value<Seen>::open("num", {.broker = &own});
            Watch watch = same.watch();
            parent.say("watching");
            loop(watch, [&] {
                const Number now = same.load();
                parent.say(std::to_string(now));
                return now != last;
            });
        });
        EXPECT_EQ(process.hear(), "watching");
        return process;
    }

    static void hear_until(ChildProcess& watcher, Number number) {
        while (watcher.hear() != std::to_string(number)) {
        }
    }

    // Has another process open "num" and wait for what it is told.
    ChildProcess writer() {
        ChildProcess process([this](Lines& parent) {
            Broker own(daemon.socket_path());
            auto same = Value<Number>::open("num", {.broker = &own});
            for (parent.say("open"); true; parent.say("stored")) {
                same.store(std::stoull(parent.hear()));
            }
        });
        EXPECT_EQ(process.hear(), "open");
        return process;
    }

    Value<Number> number = Value<Number>::create("num", 0, {.broker = &broker});
};

TEST_F(AWatch, TellsEveryLoopOfEveryChangeThatStays) {
    prefer(daemon.pid());
    prefer(getpid());
    std::array watchers{watcher<Number>(loop_by_epoll), watcher<Number>(loop_by_asio),
                        watcher<const Number>(loop_by_poll)};
    Chance chance;
    Number now = 0;
    Clock::duration longest{};
    for (int change = 0; change < 1000; ++change) {
        for (auto others = chance.below(4); others > 0; --others) {
            number.store(++now);
            for (auto work = chance.below(20'000); work > 0; --work) {
                std::atomic_signal_fence(std::memory_order_seq_cst);
            }
        }
        const auto start = Clock::now();
        number.store(++now);
        std::ranges::for_each(watchers, [now](ChildProcess& one) { hear_until(one, now); });
        longest = std::max(longest, Clock::now() - start);
    }
    EXPECT_LT(longest, slept_past);
    std::cout << "    the longest took " << std::chrono::duration_cast<microseconds>(longest).count()
              << " us\n";
    number.store(last);
    std::ranges::for_each(watchers, [](ChildProcess& one) { EXPECT_EQ(one.wait(), 0); });
}

TEST_F(AWatch, IsNotReadableBeforeThereIsAChange) {
    Watch watch = number.watch();
    EXPECT_FALSE(is_readable(watch, milliseconds(20)));
    number.store(1);
    EXPECT_TRUE(is_readable(watch));
    watch.clear();
    EXPECT_FALSE(is_readable(watch, milliseconds(20)));
}

TEST_F(AWatch, KeepsTheSegmentMappedWhenTheValueIsGone) {
    auto other = writer();
    std::optional watch = Value<Number>::open("num", {.broker = &broker}).watch();
    number = Value<Number>::create("another", 0, {.broker = &broker}); // and "num" stays for its watch
    EXPECT_EQ(broker.describe("num").attachments.size(), 2U);
    other.say("1");
    EXPECT_TRUE(is_readable(*watch));
    watch.reset();
    EXPECT_EQ(broker.describe("num").attachments.size(), 1U);
}

TEST_F(AWatch, IsOneOfAsManyAsOneLikes) {
    constexpr std::size_t more_than_two_threads_of_them = 300;
    std::vector<Watch> watches;
    for (std::size_t count = 0; count < more_than_two_threads_of_them; ++count) {
        watches.push_back(number.watch());
    }
    for (Number change = 1; change <= 3; ++change) {
        number.store(change);
        for (Watch& watch : watches) {
            ASSERT_TRUE(is_readable(watch));
            watch.clear();
        }
    }
}

TEST_F(AWatch, GoesOnWhenOthersAreClosed) {
    constexpr std::size_t most = 200;
    Chance chance;
    std::vector<Watch> watches;
    std::vector<Value<Number>> numbers;
    for (int made = 0; made < 10; ++made) {
        numbers.push_back(Value<Number>::create(unnamed, 0, {.broker = &broker}));
    }
    Watch watch = number.watch();
    Clock::duration longest{};
    for (Number change = 1; change <= 1000; ++change) {
        if (watches.size() < most && chance.below(3) > 0) {
            watches.push_back(numbers.at(chance.below(numbers.size())).watch());
        } else if (!watches.empty()) {
            std::swap(watches.at(chance.below(watches.size())), watches.back());
            watches.pop_back();
        }
        const auto start = Clock::now();
        number.store(change);
        ASSERT_TRUE(is_readable(watch));
        longest = std::max(longest, Clock::now() - start);
        watch.clear();
    }
    EXPECT_LT(longest, slept_past);
}

TEST_F(AWatch, OfAnArraySeesWhatIsNotified) {
    auto numbers = Array<int>::create("arr", 3, {.broker = &broker});
    Watch watch = numbers.watch();
    numbers[1] = 5;
    EXPECT_FALSE(is_readable(watch, milliseconds(20)));
    numbers.notify_all();
    EXPECT_TRUE(is_readable(watch));
}

TEST_F(AWatch, OfAValueSeesWhatIsNotifiedWithoutAChange) {
    const Watch watch = number.watch();
    number.notify_all();
    EXPECT_TRUE(is_readable(watch));
}

TEST_F(AWatch, OfALargeValueSeesAStoreAsWell) {
    auto large = Value<std::array<Number, 5>>::create("large", {}, {.broker = &broker});
    const Watch watch = large.watch();
    EXPECT_FALSE(is_readable(watch, milliseconds(20)));
    large.store({1});
    EXPECT_TRUE(is_readable(watch));
}

} // namespace
} // namespace memshare::test
