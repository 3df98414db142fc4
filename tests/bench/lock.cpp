// To lock and unlock, alone and against another process, beside the locks that others have.
#include "tests/bench/benchmarks.h"
#include "tests/bench/peer_locks.h"
#include "tests/bench/shared.h"

#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/interprocess_recursive_mutex.hpp>
#include <chrono>

namespace memshare::bench {
namespace {

using Pthread = PthreadLock<PthreadKind::plain>;
using RobustPthread = PthreadLock<PthreadKind::robust_recursive>;
using Boost = boost::interprocess::interprocess_mutex;
using RecursiveBoost = boost::interprocess::interprocess_recursive_mutex;
using Clock = std::chrono::steady_clock;

constexpr int batch = 64; // so that what counts them does not count
constexpr std::chrono::milliseconds warm_up{2}, measured{50};

void measure_uncontended(benchmark::State& state, auto& lock) {
    while (state.KeepRunningBatch(batch)) {
        for (int i = 0; i < batch; ++i) {
            lock.lock();
            lock.unlock();
        }
    }
}

// A lock and what it is for, as one of the processes sees them.
template <typename Lock> struct Guarded {
    Lock& lock;
    std::uint64_t& count;

    void increment() {
        lock.lock();
        ++count;
        lock.unlock();
    }

    void increment_for(std::chrono::milliseconds time) {
        for (const auto until = Clock::now() + time; Clock::now() < until;) {
            for (int i = 0; i < batch; ++i) {
                increment();
            }
        }
    }

    struct Seen {
        std::uint64_t count;
        Clock::time_point time;
    };
    Seen look() {
        lock.lock();
        const Seen seen{count, Clock::now()};
        lock.unlock();
        return seen;
    }
};

// As another's lock and its count lie in the memory: as in a segment, not in one cache line.
template <typename Lock> struct Place {
    alignas(abi::cache_line) Lock lock;
    alignas(abi::cache_line) std::uint64_t count = 0;

    Guarded<Lock> guarded() { return {lock, count}; }
};

Guarded<Mutex> guarded(const Array<std::uint64_t>& segment) { return {segment.mutex(), segment[0]}; }

// Both count as fast as they can; what they have counted together gives the time of one. `work_there` is
// called in the other process, with what it has to do.
void measure_contended(benchmark::State& state, Setting setting, auto here, auto work_there) {
    const Shared<Gate> started;
    const ChildProcess other([&] {
        work_there([&](auto there) {
            there.increment();
            started->open();
            while (true) {
                there.increment();
            }
        });
    });
    started->pass();
    // They meet while both still see that there are several processors, and only then are pinned to one each.
    here.increment_for(warm_up);
    run_on(server_processors(setting), other.pid());
    const OnlyOn pinned(client_processors(setting));
    for ([[maybe_unused]] auto _ : state) {
        const auto first = here.look();
        here.increment_for(measured);
        const auto last = here.look();
        const std::chrono::duration<double> passed = last.time - first.time;
        state.SetIterationTime(passed.count() / static_cast<double>(last.count - first.count));
    }
}

void contend_for_ours(benchmark::State& state, BrokerProcess& broker) {
    const std::string name = new_name();
    const auto segment =
        Array<std::uint64_t>::create(name, 1, {.lifetime = Lifetime::attached, .broker = &broker.client()});
    measure_contended(state, broker.setting(), guarded(segment), [&](auto work) {
        Broker of_its_own(broker.path());
        work(guarded(Array<std::uint64_t>::open(name, {.broker = &of_its_own})));
    });
}

template <typename Lock> void add_uncontended(Report& report, const char* peer, double goal) {
    add(std::string("lock/uncontended/") + peer, [](benchmark::State& state) {
        const Shared<Place<Lock>> place;
        measure_uncontended(state, place->lock);
    });
    report.compare("lock/uncontended", peer, goal);
}

template <typename Lock>
void add_contended(Report& report, Setting setting, const char* peer, std::optional<double> goal) {
    add_with_own_clock(std::string("lock/contended/") + peer, [setting](benchmark::State& state) {
        const Shared<Place<Lock>> place;
        measure_contended(state, setting, place->guarded(), [&](auto work) { work(place->guarded()); });
    })->Iterations(1);
    report.compare("lock/contended", peer, goal);
}

} // namespace

void add_lock(Report& report, Servers& servers) {
    BrokerProcess& broker = servers.brokers.back();
    add("lock/uncontended/memshare", [&broker](benchmark::State& state) {
        const auto value = Value<std::uint64_t>::create(unnamed, 0, {.broker = &broker.client()});
        measure_uncontended(state, value.mutex());
    });
    add_uncontended<FutexLock>(report, "futex", 1.15);
    add_uncontended<Pthread>(report, "pthread", 1.0);
    add_uncontended<RobustPthread>(report, "pthread_robust", 1.0);
    add_uncontended<Boost>(report, "boost", 1.0);
    add_uncontended<RecursiveBoost>(report, "boost_recursive", 1.0);

    const Setting setting = broker.setting();
    add_with_own_clock("lock/contended/memshare", [&broker](benchmark::State& state) {
        contend_for_ours(state, broker);
    })->Iterations(1);
    add_contended<FutexLock>(report, setting, "futex", 1 / 0.9);
    add_contended<RobustPthread>(report, setting, "pthread_robust", {});
    add_contended<Boost>(report, setting, "boost", {});
}

} // namespace memshare::bench
