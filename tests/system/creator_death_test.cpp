// What ends a segment: the death of its creator does, at once, and nothing that befalls others.
#include "tests/support/with_broker.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <random>

namespace memshare::test {
namespace {

class ACreator : public WithBroker {
  protected:
    ACreator() {
        prefer(daemon.pid());
        prefer(getpid());
    }
};

constexpr milliseconds at_once{sanitized ? 500 : 50};

// A process that makes some segments, "mine0" and on, and does `then`.
ChildProcess creator(const BrokerProcess& daemon, int segments, const ChildProcess::Work& then = {}) {
    ChildProcess process([&](Lines& parent) {
        Broker own(daemon.socket_path());
        std::vector<Value<int>> made;
        for (int number = 0; number < segments; ++number) {
            made.push_back(Value<int>::create("mine" + std::to_string(number), number, {.broker = &own}));
        }
        if (then) {
            then(parent);
        }
        parent.say("made");
        parent.hear();
    });
    process.hear();
    return process;
}

// From the kill until a list does not show them any more.
microseconds time_to_removal(ChildProcess& process, Broker& broker) {
    EXPECT_TRUE(lists(broker, "mine*"));
    const auto start = Clock::now();
    process.strike();
    while (lists(broker, "mine*") && Clock::now() - start < long_enough) {
    }
    const auto took = std::chrono::duration_cast<microseconds>(Clock::now() - start);
    process.wait();
    return took;
}

void expect_at_once(std::vector<microseconds> times, const char* what) {
    std::ranges::sort(times);
    std::cout << "    " << what << ": median " << times[times.size() / 2].count() << " us, longest "
              << times.back().count() << " us\n";
    EXPECT_LT(times.back(), at_once);
}

TEST_F(ACreator, ThatIsKilledTakesItsSegmentsWithItAtOnce) {
    std::vector<microseconds> times;
    for (int round = 0; round < 20; ++round) {
        auto process = creator(daemon, 1);
        times.push_back(time_to_removal(process, broker));
    }
    expect_at_once(times, "from SIGKILL to removal");
}

TEST_F(ACreator, ThatIsKilledTakesItsSegmentsWithItWhileAForkedChildHoldsItsSocket) {
    std::vector<microseconds> times;
    for (int round = 0; round < 20; ++round) {
        auto process = creator(daemon, 1, fork_a_keeper);
        times.push_back(time_to_removal(process, broker));
    }
    expect_at_once(times, "with its socket held");
}

TEST_F(ACreator, OfAThousandSegmentsTakesThemAllWithIt) {
    auto process = creator(daemon, 1000);
    expect_at_once({time_to_removal(process, broker)}, "of 1000 segments");
}

TEST_F(ACreator, ThatEndsByItselfTakesItsSegmentsWithIt) {
    auto process = creator(daemon, 3);
    process.say("that is all");
    EXPECT_EQ(process.wait(), 0);
    EXPECT_TRUE(eventually([&] { return !lists(broker, "mine*"); }));
}

TEST_F(ACreator, ThatOnlyLosesItsConnectionKeepsItsSegments) {
    const auto close_all = [](Lines& parent) {
        for (int number = 3; number < 100; ++number) {
            if (number != parent.socket()) {
                close(number);
            }
        }
    };
    auto process = creator(daemon, 1, close_all);
    auto other = creator(daemon, 0); // comes after the end of file of the first
    EXPECT_TRUE(lists(broker, "mine0"));
    process.kill();
    EXPECT_TRUE(eventually([&] { return !lists(broker, "mine0"); }));
}

// One thing that a process can do to segments that are not its own; most of them fail.
void do_something(Broker& broker, std::mt19937& dice, std::vector<Value<int>>& held) {
    const std::string name = "kept" + std::to_string(dice() % 4);
    const OpenOptions options{.broker = &broker};
    try {
        switch (dice() % 6) {
            case 0:
                held.push_back(Value<int>::open(name, options));
                break;
            case 1:
                Value<const int>::open(name, options).load();
                break;
            case 2:
                Value<double>::open(name, options).load();
                break;
            case 3:
                Array<int>::open("none", options).size();
                break;
            case 4:
                Value<int>::create(name, 0, {.broker = &broker}).load();
                break;
            default:
                held.clear();
        }
    } catch (const Error& error) {
        EXPECT_TRUE(error.code() == Errc::type_mismatch || error.code() == Errc::no_such_segment ||
                    error.code() == Errc::name_taken)
            << error.what();
    }
}

TEST_F(ACreator, LosesNothingByAThousandAttachesFailuresAndKillsOfOthers) {
    std::vector<Value<int>> kept;
    for (int number = 0; number < 4; ++number) {
        kept.push_back(Value<int>::create("kept" + std::to_string(number), number, {.broker = &broker}));
    }
    for (unsigned round = 0; round < 10; ++round) {
        std::vector<ChildProcess> others;
        for (unsigned number = 0; number < 4; ++number) {
            others.emplace_back([&, seed = 4 * round + number](Lines& parent) {
                Broker own(daemon.socket_path());
                std::mt19937 dice(seed);
                std::vector<Value<int>> held;
                for (int done = 1; true; ++done) {
                    do_something(own, dice, held);
                    if (done == 30) {
                        parent.say("30 done");
                    }
                }
            });
        }
        std::ranges::for_each(others, [](ChildProcess& one) { EXPECT_EQ(one.hear(), "30 done"); });
        std::ranges::for_each(others, [](ChildProcess& one) { one.kill(); });
    }
    EXPECT_TRUE(eventually([&] {
        const auto all = broker.list();
        return all.size() == 4 && std::ranges::all_of(all, [](auto& one) { return one.attachments == 1; });
    }));
    for (int number = 0; number < 4; ++number) {
        EXPECT_EQ(Value<int>::open("kept" + std::to_string(number), {.broker = &broker}).load(), number);
    }
}

// One process's end must not be taken for another's that comes at the same moment.
TEST_F(ACreator, IsNotTakenForDeadWhenOthersComeAndGo) {
    const auto live_a_little = [&](int number) {
        Broker own(daemon.socket_path());
        const std::string name = "mine" + std::to_string(number);
        const auto made = Value<int>::create(name, number, {.broker = &own});
        for (int look = 0; look < 5; ++look) {
            EXPECT_TRUE(lists(own, name));
        }
    };
    for (int wave = 0; wave < 20; ++wave) {
        std::vector<ChildProcess> processes;
        for (int number = 0; number < 20; ++number) {
            processes.emplace_back([&, number](Lines&) { live_a_little(20 * wave + number); });
        }
        std::ranges::for_each(processes, [](ChildProcess& one) { EXPECT_EQ(one.wait(), 0); });
    }
}

} // namespace
} // namespace memshare::test
