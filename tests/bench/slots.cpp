// To load and store a Value that is too large for one instruction, beside memcpy, which promises nothing.
#include "tests/bench/benchmarks.h"
#include "tests/bench/shared.h"

#include <array>
#include <cstring>

namespace memshare::bench {
namespace {

constexpr int batch = 64; // so that the loop around them does not count

template <std::size_t size> struct Block {
    std::array<std::uint64_t, size / sizeof(std::uint64_t)> words;
};

// A pointer of which the compiler does not know where it points, nor what is there.
template <typename T> T* hidden(T* pointer) {
    benchmark::DoNotOptimize(pointer);
    return pointer;
}

template <std::size_t size> void measure_load(benchmark::State& state, auto load) {
    while (state.KeepRunningBatch(batch)) {
        for (int i = 0; i < batch; ++i) {
            Block<size> block = load();
            benchmark::DoNotOptimize(block);
            benchmark::ClobberMemory();
        }
    }
}

template <std::size_t size> void measure_store(benchmark::State& state, auto store) {
    Block<size> block{};
    while (state.KeepRunningBatch(batch)) {
        for (int i = 0; i < batch; ++i) {
            benchmark::DoNotOptimize(block);
            store(block);
            benchmark::ClobberMemory();
        }
    }
}

template <std::size_t size>
void add_size(Report& report, BrokerProcess& broker, const std::string& name, std::optional<double> goal) {
    using Whole = Block<size>;
    const auto create = [&broker] {
        return Value<Whole>::create(unnamed, Whole{}, {.broker = &broker.client()});
    };
    const std::string load = "value_load/" + name;
    add(load + "/memshare", [create](benchmark::State& state) {
        const auto value = create();
        measure_load<size>(state, [&value] { return value.load(); });
    });
    add(load + "/memcpy", [](benchmark::State& state) {
        const Shared<Whole> memory;
        const Whole* from = hidden(&*memory);
        measure_load<size>(state, [from] {
            Whole block;
            std::memcpy(&block, from, size);
            return block;
        });
    });
    report.compare(load, "memcpy", goal);

    const std::string store = "value_store/" + name;
    add(store + "/memshare", [create](benchmark::State& state) {
        auto value = create();
        measure_store<size>(state, [&value](const Whole& block) { value.store(block); });
    });
    add(store + "/memcpy", [](benchmark::State& state) {
        const Shared<Whole> memory;
        Whole* to = hidden(&*memory);
        measure_store<size>(state, [to](const Whole& block) { std::memcpy(to, &block, size); });
    });
    report.compare(store, "memcpy");
}

} // namespace

void add_slots(Report& report, Servers& servers) {
    add_size<64>(report, servers.brokers.front(), "64B", 2.0);
    add_size<1024>(report, servers.brokers.front(), "1KiB", {});
}

} // namespace memshare::bench
