// To fill, sum and copy an Array of 64 MiB, beside private memory and beside a plain memfd.
#include "tests/bench/benchmarks.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <numeric>
#include <sstream>
#include <stdexcept>

namespace memshare::bench {
namespace {

constexpr std::size_t bytes = std::size_t{64} << 20;
constexpr std::size_t count = bytes / sizeof(double);

// 64 MiB of this kind of memory, all of it touched, which is kept until the program ends.
class Memory {
  public:
    Memory(int flags, int fd, int advice)
        : start_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, fd, 0)) {
        if (start_ == MAP_FAILED) {
            throw std::runtime_error("cannot map 64 MiB");
        }
        madvise(start_, bytes, advice);
        // A fork would have each page fault anew when it is next written to.
        madvise(start_, bytes, MADV_DONTFORK);
        std::ranges::fill(span(), 1.0);
    }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory() { munmap(start_, bytes); }

    std::span<double> span() const { return {static_cast<double*>(start_), count}; }

  private:
    void* start_;
};

Memory anonymous(int advice) { return {MAP_PRIVATE | MAP_ANONYMOUS, -1, advice}; }

Memory plain_memfd() {
    const auto fd = proto::Fd::adopt(memfd_create("memshare-bench", MFD_CLOEXEC));
    if (!fd || ftruncate(fd.number(), static_cast<off_t>(bytes)) != 0) {
        throw std::runtime_error("cannot make a memfd of 64 MiB");
    }
    return {MAP_SHARED, fd.number(), MADV_NORMAL};
}

// How much of the mapping that holds this address lies in huge pages, in KiB.
std::size_t huge_kib(const void* address) {
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    std::ifstream maps("/proc/self/smaps");
    std::size_t huge = 0;
    bool inside = false;
    for (std::string line; std::getline(maps, line);) {
        std::istringstream words(line);
        std::string name;
        words >> name;
        if (const auto dash = name.find('-'); dash != std::string::npos) { // the next mapping: low-high
            inside = std::stoull(name, nullptr, 16) <= wanted &&
                     wanted < std::stoull(name.substr(dash + 1), nullptr, 16);
        } else if (inside && (name == "AnonHugePages:" || name == "ShmemPmdMapped:")) {
            std::size_t kib = 0;
            words >> kib;
            huge += kib;
        }
    }
    return huge;
}

// Two pieces of one kind of memory, made when they are first measured.
class Pair {
  public:
    Pair(std::string name, std::function<std::shared_ptr<void>(std::span<double>&)> make)
        : name_(std::move(name)), make_(std::move(make)) {}

    const std::string& name() const { return name_; }
    std::span<double> first() { return made().first_; }
    std::span<double> second() { return made().second_; }

  private:
    Pair& made() {
        if (!kept_.front()) {
            kept_ = {make_(first_), make_(second_)};
            std::cout << "pages:       " << name_ << " has " << huge_kib(first_.data()) / 1024 << " of "
                      << bytes / 1024 / 1024 << " MiB in huge pages\n"
                      << std::flush;
        }
        return *this;
    }

    std::string name_;
    std::function<std::shared_ptr<void>(std::span<double>&)> make_;
    std::array<std::shared_ptr<void>, 2> kept_;
    std::span<double> first_, second_;
};

// Of plain memory that make() gives.
Pair pair_of(std::string name, auto make) {
    return {std::move(name), [make](std::span<double>& span) -> std::shared_ptr<void> {
                std::shared_ptr<Memory> memory(new Memory(make()));
                span = memory->span();
                return memory;
            }};
}

Pair pair_of_arrays(BrokerProcess& broker) {
    return {"memshare", [&broker](std::span<double>& span) -> std::shared_ptr<void> {
                const auto array = std::make_shared<Array<double>>(
                    Array<double>::create(unnamed, count, {.broker = &broker.client()}));
                std::ranges::fill(*array, 1.0);
                span = array->span();
                return array;
            }};
}

void fill(benchmark::State& state, Pair& pair) {
    const auto numbers = pair.first();
    double value = 0;
    for ([[maybe_unused]] auto _ : state) {
        std::ranges::fill(numbers, value += 1);
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * static_cast<std::int64_t>(state.iterations()));
}

void sum(benchmark::State& state, Pair& pair) {
    const auto numbers = pair.first();
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(std::accumulate(numbers.begin(), numbers.end(), 0.0));
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * static_cast<std::int64_t>(state.iterations()));
}

void copy(benchmark::State& state, Pair& pair) {
    const auto from = pair.first();
    const auto to = pair.second();
    for ([[maybe_unused]] auto _ : state) {
        std::ranges::copy(from, to.begin());
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * static_cast<std::int64_t>(state.iterations()));
}

} // namespace

void add_array(Report& report, Servers& servers) {
    static std::deque<Pair> pairs;
    pairs.push_back(pair_of_arrays(servers.brokers.front()));
    pairs.push_back(pair_of("private", [] { return anonymous(MADV_NOHUGEPAGE); }));
    pairs.push_back(pair_of("memfd", plain_memfd));
    pairs.push_back(pair_of("private_huge", [] { return anonymous(MADV_HUGEPAGE); }));
    const auto add_one = [&](const std::string& what, auto measure) {
        for (Pair& pair : pairs) {
            add(what + '/' + pair.name(),
                [&pair, measure](benchmark::State& state) { measure(state, pair); });
        }
        report.compare(what, "private", 1.0);
        report.compare(what, "memfd", 1.0);
        report.compare(what, "private_huge");
    };
    add_one("array_fill/64MiB", fill);
    add_one("array_sum/64MiB", sum);
    add_one("array_copy/64MiB", copy);
}

} // namespace memshare::bench
