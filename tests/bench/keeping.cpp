// What it costs the daemon to keep a segment safe from its own death, and how soon it is back with many.
#include "tests/bench/benchmarks.h"
#include "tests/support/service_manager.h"

#include <fstream>
#include <stdexcept>

namespace memshare::bench {
namespace {

constexpr int many = 15'000;

// The time that the daemon's loop has spent on a processor. (Its other threads only free what is large.)
std::chrono::nanoseconds spent_by(pid_t daemon) {
    std::uint64_t nanoseconds = 0;
    if (!(std::ifstream("/proc/" + std::to_string(daemon) + "/schedstat") >> nanoseconds)) {
        throw std::runtime_error("the kernel does not tell what a process spends");
    }
    return std::chrono::nanoseconds(nanoseconds);
}

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

// What a segment costs a daemon: with all that is put off until later.
std::chrono::nanoseconds spent_on_one(pid_t daemon, Broker& broker) {
    constexpr int segments = 1000;
    std::vector<Value<int>> all;
    all.reserve(segments);
    const auto before = spent_by(daemon);
    for (int number = 0; number < segments; ++number) {
        all.push_back(Value<int>::create("kept " + std::to_string(number), number,
                                         {.lifetime = Lifetime::attached, .broker = &broker}));
    }
    const auto after = spent_by(daemon);
    return (after - before) / segments;
}

void keep_one(benchmark::State& state) {
    const test::ServiceManager keeper;
    const test::BrokerProcess plain;
    Broker kept(keeper.socket_path()), not_kept(plain.socket_path());
    for ([[maybe_unused]] auto _ : state) {
        const auto with = spent_on_one(keeper.pid(), kept), without = spent_on_one(plain.pid(), not_kept);
        state.SetIterationTime(seconds(std::max(with - without, std::chrono::nanoseconds(0))));
    }
}

// From the start of the process until it says that it is ready.
void restart(benchmark::State& state) {
    test::ServiceManager keeper;
    Broker broker(keeper.socket_path());
    for (int number = 0; number < many; ++number) {
        Value<int>::create("kept " + std::to_string(number), number,
                           {.lifetime = Lifetime::persistent, .broker = &broker});
    }
    for ([[maybe_unused]] auto _ : state) {
        keeper.kill();
        const auto start = std::chrono::steady_clock::now();
        keeper.start();
        state.SetIterationTime(seconds(std::chrono::steady_clock::now() - start));
    }
    state.counters["descriptors"] = static_cast<double>(keeper.kept());
    if (broker.list().size() != many) {
        state.SkipWithError("segments were lost");
    }
}

} // namespace

void add_keeping(Report& report) {
    add_with_own_clock("keep/a_segment/memshare", keep_one)->Iterations(1);
    report.limit("keep/a_segment", std::chrono::microseconds(10));
    add_with_own_clock("restart/15000_segments/memshare", restart)->Iterations(1)->Repetitions(3);
    report.limit("restart/15000_segments", std::chrono::milliseconds(250));
    report.bound("restart/15000_segments", "descriptors", 8);
}

} // namespace memshare::bench
