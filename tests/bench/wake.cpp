// To wait for another process's change of a Value, beside what others wait by: asleep, and still awake.
#include "tests/bench/benchmarks.h"
#include "tests/bench/peer_signals.h"
#include "tests/bench/values.h"

#include <type_traits>

namespace memshare::bench {
namespace {

void add_asleep(const std::string& name, Setting setting, auto make) {
    add_with_own_clock(name, [setting, make](benchmark::State& state) {
        auto signal = [&] {
            const OnlyOn seen(seen_processors(setting));
            return make();
        }();
        measure_asleep(state, setting, signal);
    })->Iterations(1);
}

void add_wake_asleep(Report& report, BrokerProcess& broker) {
    const Setting setting = broker.setting();
    const std::string what = "wake/asleep/" + name_of(setting);
    add_asleep(what + "/memshare", setting, [&broker] { return Values(broker); });
    const auto add_peer = [&]<typename Peer>(Peer /*type*/, const char* peer, std::optional<double> goal) {
        add_asleep(what + '/' + peer, setting, [] { return typename Peer::type(); });
        report.compare(what, peer, goal);
    };
    add_peer(std::type_identity<Both<FutexWord>>{}, "futex", 1.15);
    add_peer(std::type_identity<Both<EventDescriptor>>{}, "eventfd", {});
    add_peer(std::type_identity<Both<Pipe>>{}, "pipe", {});
    add_peer(std::type_identity<Both<Condition>>{}, "condition_variable", {});
}

// On one core nobody looks, awake, for what the other could only do meanwhile.
void add_wake_awake(Report& report, BrokerProcess& broker) {
    if (broker.setting() == Setting::one_core) {
        return;
    }
    const std::string what = "wake/awake/two_cores";
    add(what + "/memshare", [&broker](benchmark::State& state) {
        Values values(broker);
        measure_awake(state, Setting::two_cores, values);
    });
    add(what + "/atomic", [](benchmark::State& state) {
        Both<SpinningWord> words;
        measure_awake(state, Setting::two_cores, words);
    });
    report.compare(what, "atomic", 1.5);
}

// A thread of the library's sleeps on the change, and then wakes the one who waits at the descriptor.
void add_watch(Report& report, BrokerProcess& broker) {
    const std::string what = "watch/eventfd_hop/" + name_of(broker.setting());
    add_asleep(what + "/memshare", broker.setting(), [&broker] { return WatchedValues(Values(broker)); });
    add_asleep(what + "/wait", broker.setting(), [&broker] { return Values(broker); });
    report.compare(what, "wait");
}

} // namespace

void add_wake(Report& report, Servers& servers) {
    for (BrokerProcess& broker : servers.brokers) {
        add_wake_asleep(report, broker);
        add_wake_awake(report, broker);
        add_watch(report, broker);
    }
}

} // namespace memshare::bench
