// An idle daemon uses no processor time, however busy it was a moment ago.
#include "tests/bench/benchmarks.h"

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace memshare::bench {
namespace {

// The processor time that a process has used: in ticks, as ps(1) sees it, and to the nanosecond.
struct Used {
    std::uint64_t ticks = 0, nanoseconds = 0;

    static Used by(pid_t pid) {
        const std::string folder = "/proc/" + std::to_string(pid);
        std::ifstream stat(folder + "/stat");
        std::string line;
        std::getline(stat, line);
        std::istringstream fields(line.substr(line.rfind(')') + 2)); // the program's name may hold anything
        std::string skipped;
        for (int field = 3; field < 14; ++field) {
            fields >> skipped;
        }
        std::uint64_t in_user = 0;
        std::uint64_t in_system = 0;
        if (!(fields >> in_user >> in_system)) {
            throw std::runtime_error("cannot read the processor time of the daemon");
        }
        Used used{.ticks = in_user + in_system, .nanoseconds = 0};
        std::ifstream(folder + "/schedstat") >> used.nanoseconds; // zero, if the kernel does not keep it
        return used;
    }
};

constexpr std::chrono::milliseconds to_calm_down{100};
constexpr std::chrono::seconds measured{1};

} // namespace

void add_idle(Report& report, Servers& servers) {
    for (BrokerProcess& broker : servers.brokers) {
        const std::string what = "idle_1s/" + name_of(broker.setting());
        add(what + "/memshare",
            [&broker](benchmark::State& state) {
                for (int call = 0; call < 1000; ++call) {
                    broker.client().list();
                }
                std::this_thread::sleep_for(to_calm_down);
                const Used before = Used::by(broker.pid());
                for ([[maybe_unused]] auto _ : state) {
                    std::this_thread::sleep_for(measured);
                }
                const Used after = Used::by(broker.pid());
                state.counters["ticks"] = static_cast<double>(after.ticks - before.ticks);
                state.counters["nanoseconds"] = static_cast<double>(after.nanoseconds - before.nanoseconds);
            })
            ->Iterations(1)
            ->Repetitions(1);
        report.bound(what, "ticks", 0);
        report.bound(what, "nanoseconds", 0);
    }
}

} // namespace memshare::bench
