// The table at the end: what memshare takes beside what its limits and peers take, and whether that is good.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace memshare::bench {

// Benchmarks are called WHAT/SUBJECT, as in create/4KiB/one_core/memshare beside
// create/4KiB/one_core/shm_open.
class Report final : public benchmark::BenchmarkReporter {
  public:
    // A line of the table: at most how many times the peer's time memshare may take, if there is a goal.
    void compare(const std::string& what, const std::string& peer, std::optional<double> goal = {});

    // A line for a counter, in nanoseconds, beside the peer's.
    void compare_counter(const std::string& what, const std::string& counter, const std::string& peer);

    // A line for a counter of memshare's, that may be at most so much.
    void bound(const std::string& what, const std::string& counter, double most);

    // A line for the median of memshare's time, that may be at most so much.
    void limit(const std::string& what, std::chrono::nanoseconds most);

    bool ReportContext(const Context& context) override;
    void ReportRuns(const std::vector<Run>& runs) override;

    // Only of what was run.
    void print_table(std::ostream& out) const;

  private:
    struct Line {
        std::string what, peer, counter;
        std::optional<double> goal;
        std::optional<std::chrono::nanoseconds> most;
    };
    struct Figure {
        double median = 0, least = 0;
        double spread = 0; // half of what lies between the quartiles, as a part of the median
    };
    using Figures = std::map<std::string, std::vector<double>>;
    static std::optional<Figure> figure_of(const Figures& figures, const std::string& name);
    using Cells = std::vector<std::string>;
    Cells cells_of(const Line& line) const;
    Cells cells_of_counter(const Line& line) const;
    Cells cells_of_two_counters(const Line& line) const;
    static Cells cells_of_limit(const Line& line, const Figure& ours);
    static Cells cells_of_ratio(const Line& line, const Figure& ours, const Figure& peers);

    std::vector<Line> lines_;
    Figures nanoseconds_; // of each repetition
    Figures counters_;
};

// How long an operation takes by the clock on the wall, as what two processes do together has to be measured.
template <typename Body> benchmark::internal::Benchmark* add(const std::string& name, Body&& body) {
    return benchmark::RegisterBenchmark(name.c_str(), std::forward<Body>(body))->UseRealTime();
}

// The same, where the body says by SetIterationTime() how long it took.
template <typename Body>
benchmark::internal::Benchmark* add_with_own_clock(const std::string& name, Body&& body) {
    return benchmark::RegisterBenchmark(name.c_str(), std::forward<Body>(body))->UseManualTime();
}

} // namespace memshare::bench
