// Waiting for a change: no wake-up is lost, and nothing else ends a wait.
#include "tests/support/with_broker.h"

#include <poll.h>

#include <array>
#include <thread>

namespace memshare::test {
namespace {

class AWait : public WithBroker {
  protected:
    Value<int> number = Value<int>::create("num", 0, {.broker = &broker});

    // A process that waits for `number` to be another one than 0, and says what it is then.
    template <typename T> ChildProcess waiter() {
        ChildProcess process([this](Lines& parent) {
            Broker own(daemon.socket_path());
            const auto same = Value<T>::open("num", {.broker = &own});
            parent.say("waiting");
            same.wait(0);
            parent.say(std::to_string(same.load()));
        });
        process.hear();
        return process;
    }
    bool somebody_sleeps() const {
        auto segment = Segment::open("num", Access::read, {}, {.broker = broker_});
        return segment.header().change.waiting != 0 || segment.header().change.watchers != 0;
    }

  private:
    Broker* broker_ = &broker;
};

TEST_F(AWait, EndsWithAStore) {
    auto other = waiter<int>();
    EXPECT_TRUE(eventually([this] { return somebody_sleeps(); }));
    number.store(3);
    EXPECT_EQ(other.hear(), "3");
}

TEST_F(AWait, OfOneWhoCanOnlyReadEndsWithAStore) {
    auto other = waiter<const int>();
    EXPECT_TRUE(eventually([this] { return somebody_sleeps(); }));
    number.store(4);
    EXPECT_EQ(other.hear(), "4");
    other.kill();
    EXPECT_TRUE(eventually([this] { return !somebody_sleeps(); }));
}

TEST_F(AWait, EndsWithEveryKindOfChange) {
    const auto changes = std::to_array<void (*)(Value<int>&)>({
        [](Value<int>& n) { n.exchange(1); },
        [](Value<int>& n) { n.fetch_add(1); },
        [](Value<int>& n) { n.fetch_or(1); },
        [](Value<int>& n) { n.fetch_max(1); },
        [](Value<int>& n) { n.update([](int& is) { is = 1; }); },
        [](Value<int>& n) {
            int expected = 0;
            n.compare_exchange(expected, 1);
        },
    });
    for (const auto change : changes) {
        number.store(0);
        auto other = waiter<int>();
        EXPECT_TRUE(eventually([this] { return somebody_sleeps(); }));
        change(number);
        EXPECT_EQ(other.hear(), "1");
        EXPECT_EQ(other.wait(), 0);
    }
}

TEST_F(AWait, ForWhatIsSoAlreadyEndsAtOnce) {
    number.wait(7);
    EXPECT_TRUE(number.wait_for(7, seconds(0)));
}

TEST_F(AWait, EndsAtItsDeadlineIfNothingChanges) {
    const auto start = Clock::now();
    EXPECT_FALSE(number.wait_for(0, milliseconds(30)));
    EXPECT_FALSE(number.wait_until(0, std::chrono::system_clock::now() + milliseconds(30)));
    EXPECT_GE(Clock::now() - start, milliseconds(60));
}

TEST_F(AWait, IsNotEndedByANotification) {
    ChildProcess other([this](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto same = Value<int>::open("num", {.broker = &own});
        parent.say("waiting");
        EXPECT_FALSE(same.wait_for(0, milliseconds(200)));
    });
    other.hear();
    for (int round = 0; round < 1000; ++round) {
        number.notify_all();
    }
    EXPECT_EQ(other.wait(), 0);
}

TEST_F(AWait, ForAVersionEndsWithAnyStore) {
    const Version seen = number.version();
    EXPECT_FALSE(number.wait_for(seen, milliseconds(1)));
    ChildProcess other([this](Lines&) {
        Broker own(daemon.socket_path());
        Value<int>::open("num", {.broker = &own}).store(0); // the same value again
    });
    number.wait(seen);
    EXPECT_NE(number.version(), seen);
    EXPECT_EQ(other.wait(), 0);
}

TEST_F(AWait, ForAVersionSeesAStoreThatCameBeforeIt) {
    const Version seen = number.version();
    number.store(1);
    number.wait(seen);
    const auto reader = Value<const int>::open("num", {.broker = &broker});
    const Version read = reader.version();
    number.store(2);
    reader.wait(read);
}

TEST_F(AWait, OnALargeValueEndsWithItsUpdate) {
    using Large = std::array<int, 32>;
    auto large = Value<Large>::create("large", {}, {.broker = &broker});
    ChildProcess other([this](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto same = Value<const Large>::open("large", {.broker = &own});
        const Version seen = same.version();
        parent.say("waiting");
        same.wait(seen);
        same.wait(Large{});
        parent.say(std::to_string(same.load()[5]));
    });
    other.hear();
    large.notify_all();
    large.update([](Large& all) { all[5] = 9; });
    EXPECT_EQ(other.hear(), "9");
}

TEST_F(AWait, OnAnArrayEndsWithANotification) {
    const auto numbers = Array<int>::create("arr", 3, {.broker = &broker});
    std::vector<ChildProcess> others;
    for (int process = 0; process < 3; ++process) {
        others.emplace_back([this](Lines& parent) {
            Broker own(daemon.socket_path());
            const auto same = Array<const int>::open("arr", {.broker = &own});
            const Version seen = same.version();
            parent.say("waiting");
            same.wait(seen);
            parent.say(std::to_string(same[0]));
        });
        others.back().hear();
    }
    auto writable = Array<int>::open("arr", {.broker = &broker});
    writable[0] = 8;
    writable.notify_all();
    for (ChildProcess& one : others) {
        EXPECT_EQ(one.hear(), "8");
    }
}

TEST_F(AWait, OnAnArrayIsEndedForEachJobThatIsThere) {
    auto numbers = Array<int>::create("arr", 3, {.broker = &broker});
    std::vector<ChildProcess> others;
    for (int process = 0; process < 2; ++process) {
        others.emplace_back([this](Lines& parent) {
            Broker own(daemon.socket_path());
            const auto same = Array<int>::open("arr", {.broker = &own});
            for (int taken = 0; taken == 0;) { // a job that one of them takes
                const Version seen = same.version();
                int one = 1;
                taken = same.atomic(0).compare_exchange_strong(one, 0) ? 1 : 0;
                if (taken == 0) {
                    same.wait(seen);
                }
            }
            parent.say("taken");
        });
    }
    for (std::size_t job = 0; job < others.size(); ++job) {
        EXPECT_TRUE(eventually([&] { return numbers.atomic(0).load() == 0; }));
        numbers.atomic(0).store(1);
        numbers.notify_one();
    }
    for (ChildProcess& one : others) {
        EXPECT_EQ(one.hear(), "taken");
    }
}

TEST_F(AWait, GoesOnWhileTheBrokerIsGone) {
    auto other = waiter<int>();
    EXPECT_TRUE(eventually([this] { return somebody_sleeps(); }));
    daemon.kill();
    number.store(5);
    EXPECT_EQ(other.hear(), "5");
}

TEST_F(AWait, LeavesAnUnwatchedValueAloneAfterwards) {
    auto other = waiter<int>();
    EXPECT_TRUE(eventually([this] { return somebody_sleeps(); }));
    number.store(1);
    EXPECT_EQ(other.wait(), 0);
    EXPECT_TRUE(eventually([this] {
        number.store(1); // the last idle wake-up, if there was one
        return !somebody_sleeps();
    }));
}

class AWatch : public WithBroker {
  protected:
    Value<int> number = Value<int>::create("num", 0, {.broker = &broker});

    static bool is_readable(const Watch& watch, milliseconds within = long_enough) {
        pollfd readable{.fd = watch.descriptor(), .events = POLLIN, .revents = 0};
        return poll(&readable, 1, static_cast<int>(within.count())) > 0;
    }
};

TEST_F(AWatch, BecomesReadableWithAChange) {
    Watch watch = number.watch();
    EXPECT_FALSE(is_readable(watch, milliseconds(0)));
    number.store(1);
    EXPECT_TRUE(is_readable(watch));
    watch.clear();
    EXPECT_FALSE(is_readable(watch, milliseconds(0)));
    number.store(2);
    EXPECT_TRUE(is_readable(watch));
}

TEST_F(AWatch, TellsEachOfSeveralWhoWatch) {
    const auto reader = Value<const int>::open("num", {.broker = &broker});
    const std::array watches{number.watch(), number.watch(), reader.watch()};
    number.fetch_add(1);
    for (const Watch& watch : watches) {
        EXPECT_TRUE(is_readable(watch));
    }
}

TEST_F(AWatch, OfAnArraySeesItsNotifications) {
    auto numbers = Array<int>::create("arr", 3, {.broker = &broker});
    const Watch watch = numbers.watch();
    numbers.notify_all();
    EXPECT_TRUE(is_readable(watch));
}

TEST_F(AWatch, KeepsTheSegmentMapped) {
    std::optional same = Value<int>::open("num", {.broker = &broker});
    const Watch watch = same->watch();
    same.reset();
    number.store(1);
    EXPECT_TRUE(is_readable(watch));
}

TEST_F(AWatch, LeavesNoThreadAndNoDescriptorBehind) {
    broker.version();
    const std::size_t before = open_fds(getpid());
    {
        std::vector<Watch> many;
        for (int one = 0; one < 200; ++one) { // more than one thread can watch
            many.push_back(number.watch());
        }
        number.store(1);
        for (const Watch& watch : many) {
            EXPECT_TRUE(is_readable(watch));
        }
    }
    EXPECT_EQ(open_fds(getpid()), before);
    EXPECT_TRUE(eventually([&] { return broker.describe("num").attachments.size() == 1; }));
}

TEST_F(AWatch, IsMadeAnewInAForkedChild) {
    if (thread_sanitized) {
        GTEST_SKIP() << "the thread sanitizer takes no new thread in such a child";
    }
    const Watch parents = number.watch();
    ChildProcess child([&](Lines&) {
        const Watch own = number.watch();
        number.store(1);
        EXPECT_TRUE(is_readable(own));
    });
    EXPECT_EQ(child.wait(), 0);
    EXPECT_TRUE(is_readable(parents));
}

TEST_F(AWatch, SeesANotificationWithoutAChange) {
    const Watch watch = number.watch();
    number.notify_all();
    EXPECT_TRUE(is_readable(watch));
}

TEST_F(AWatch, DoesNotHoldUpAForkOfAnotherThread) {
    if (sanitized) {
        GTEST_SKIP() << "the sanitizers do not take a fork beside threads";
    }
    std::jthread forking([](const std::stop_token& end) {
        while (!end.stop_requested()) {
            ChildProcess child([](Lines&) {});
            EXPECT_EQ(child.wait(), 0);
        }
    });
    for (int round = 0; round < 20; ++round) { // a thread comes and goes with each
        std::vector<Watch> many;
        for (int one = 0; one < 130; ++one) {
            many.push_back(number.watch());
        }
    }
}

} // namespace
} // namespace memshare::test
