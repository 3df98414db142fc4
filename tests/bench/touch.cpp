// To make an Array of 64 MiB and to touch all of it for the first time, of ordinary and of huge pages.
#include "proto/fd.h"
#include "proto/mapping.h"
#include "tests/bench/benchmarks.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace memshare::bench {
namespace {

constexpr std::size_t bytes = std::size_t{64} << 20;
constexpr std::size_t page = 4096;

void touch(std::span<char> memory) {
    for (std::size_t at = 0; at < memory.size(); at += page) {
        memory[at] = 1;
    }
    benchmark::ClobberMemory();
}

// Times make() and the touch of what it gives, but not the end of it.
void measure(benchmark::State& state, auto make, auto bytes_of) {
    for ([[maybe_unused]] auto _ : state) {
        const auto start = std::chrono::steady_clock::now();
        const auto made = make();
        touch(bytes_of(made));
        state.SetIterationTime(
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
}

Array<char> array_of(HugePages pages, BrokerProcess& broker) {
    return Array<char>::create(unnamed, bytes, {.huge_pages = pages, .broker = &broker.client()});
}

void touch_array(benchmark::State& state, BrokerProcess& broker, HugePages pages) {
    bool has_such = true; // all of them: the pool may become too small for a while
    const auto make = [&] {
        auto made = array_of(pages, broker);
        has_such = has_such && made.info().huge_pages == pages;
        return made;
    };
    measure(state, make, [](const auto& array) { return array.span(); });
    if (!has_such) {
        state.SkipWithError("this machine has too few such pages");
    }
}

void touch_memfd(benchmark::State& state) {
    measure(
        state,
        [] {
            const auto fd = proto::Fd::adopt(memfd_create("memshare-bench", MFD_CLOEXEC));
            if (!fd || ftruncate(fd.number(), static_cast<off_t>(bytes)) != 0) {
                throw std::runtime_error("cannot make a memfd of 64 MiB");
            }
            return proto::Mapping::map(fd.number(), bytes, proto::Mapping::Access::write).value();
        },
        [](const proto::Mapping& mapping) {
            return std::span(reinterpret_cast<char*>(mapping.bytes().data()), bytes);
        });
}

} // namespace

void add_touch(Report& report, Servers& servers) {
    const std::string what = "first_touch/64MiB";
    BrokerProcess& broker = servers.brokers.front();
    const auto add_array_of = [&](const std::string& subject, HugePages pages) {
        add_with_own_clock(what + '/' + subject,
                           [&broker, pages](benchmark::State& state) { touch_array(state, broker, pages); });
    };
    add_array_of("memshare", HugePages::no);
    add_with_own_clock(what + "/memfd", touch_memfd);
    report.compare(what, "memfd");
    const std::array huge{std::pair("memshare_transparent", HugePages::transparent),
                          std::pair("memshare_2m", HugePages::size_2m)};
    for (const auto& [subject, pages] : huge) {
        if (array_of(pages, broker).info().huge_pages == pages) { // as the machine is now
            add_array_of(subject, pages);
            report.compare(what, subject);
        }
    }
}

} // namespace memshare::bench
