// To load and store a Value, beside a plain pointer and a sequentially consistent std::atomic.
#include "tests/bench/benchmarks.h"
#include "tests/bench/shared.h"

#include <atomic>

namespace memshare::bench {
namespace {

constexpr int batch = 64; // so that the loop around them does not count

template <typename T> void measure_load(benchmark::State& state, auto load) {
    while (state.KeepRunningBatch(batch)) {
#pragma GCC unroll 64
        for (int i = 0; i < batch; ++i) {
            benchmark::DoNotOptimize(load());
        }
    }
}

template <typename T> void measure_store(benchmark::State& state, auto store) {
    T number{};
    while (state.KeepRunningBatch(batch)) {
        number = number + T{1};
#pragma GCC unroll 64
        for (int i = 0; i < batch; ++i) {
            store(number);
        }
    }
}

// What is shared lies in a mapping, and its address in memory that others may write: so it is looked up at
// each use, as that of a Value is.
template <typename T> class Mapped : public Shared<T> {
  public:
    Mapped() { benchmark::DoNotOptimize(*this); }
};

template <typename T> volatile T& volatile_at(const Mapped<T>& value) { return *value; }

// Each measured thing is made anew, and so lies elsewhere, in each repetition.
template <typename T> void add_type(Report& report, BrokerProcess& broker, const std::string& type) {
    const auto options = [&broker] {
        return CreateOptions{.lifetime = Lifetime::attached, .broker = &broker.client()};
    };
    const std::string load = "value_load/" + type;
    add(load + "/memshare", [options](benchmark::State& state) {
        const auto value = Value<T>::create("value", T{1}, options());
        measure_load<T>(state, [&value] { return value.load(); });
    });
    add(load + "/atomic", [](benchmark::State& state) {
        Mapped<std::atomic<T>> value;
        measure_load<T>(state, [&value] { return value->load(); });
    });
    add(load + "/pointer", [](benchmark::State& state) {
        Mapped<T> value;
        measure_load<T>(state, [&value] { return volatile_at(value); });
    });
    report.compare(load, "atomic", 1.0);
    report.compare(load, "pointer", 1.0);

    const std::string store = "value_store/" + type;
    add(store + "/memshare", [options](benchmark::State& state) {
        auto value = Value<T>::create("value", T{1}, options());
        measure_store<T>(state, [&value](T number) { value.store(number); });
    });
    add(store + "/atomic", [](benchmark::State& state) {
        Mapped<std::atomic<T>> value;
        measure_store<T>(state, [&value](T number) { value->store(number); });
    });
    add(store + "/pointer", [](benchmark::State& state) {
        Mapped<T> value;
        measure_store<T>(state, [&value](T number) { volatile_at(value) = number; });
    });
    report.compare(store, "atomic", 1.3);
    report.compare(store, "pointer"); // which promises nothing: an atomic store waits for the others' caches
}

} // namespace

void add_value(Report& report, Servers& servers) {
    add_type<double>(report, servers.brokers.front(), "f64");
    add_type<std::uint64_t>(report, servers.brokers.front(), "u64");
}

} // namespace memshare::bench
