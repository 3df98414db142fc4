#include "tests/bench/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <sstream>

namespace memshare::bench {
namespace {

// Two runs of the same code on an idle machine differ by this much.
constexpr double noise = 0.05;

std::string number(double value, int digits) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(digits) << value;
    return text.str();
}

std::string time_in_words(double nanoseconds) {
    static constexpr std::array<const char*, 4> units{"ns", "us", "ms", "s"};
    std::size_t unit = 0;
    for (; nanoseconds >= 1000 && unit + 1 < units.size(); ++unit) {
        nanoseconds /= 1000;
    }
    return number(nanoseconds, nanoseconds < 10    ? 2
                               : nanoseconds < 100 ? 1
                                                   : 0)
        .append(1, ' ')
        .append(units[unit]);
}

double quantile(const std::vector<double>& sorted, double part) {
    const double place = part * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const auto above = std::min(below + 1, sorted.size() - 1);
    return std::lerp(sorted[below], sorted[above], place - std::floor(place));
}

std::string spread_in_words(double spread) { return number(100 * spread, 0) + " %"; }

using Row = std::vector<std::string>;

void print_rows(std::ostream& out, const std::vector<Row>& rows) {
    std::vector<std::size_t> widths(rows.front().size());
    for (const Row& row : rows) {
        for (std::size_t column = 0; column < row.size(); ++column) {
            widths[column] = std::max(widths[column], row[column].size());
        }
    }
    for (const Row& row : rows) {
        for (std::size_t column = 0; column < row.size(); ++column) {
            out << std::left << std::setw(static_cast<int>(widths[column])) << row[column]
                << (column + 1 < row.size() ? " | " : "\n");
        }
    }
}

} // namespace

void Report::compare(const std::string& what, const std::string& peer, std::optional<double> goal) {
    lines_.push_back({.what = what, .peer = peer, .counter = {}, .goal = goal, .most = {}});
}

void Report::compare_counter(const std::string& what, const std::string& counter, const std::string& peer) {
    lines_.push_back({.what = what, .peer = peer, .counter = counter, .goal = {}, .most = {}});
}

void Report::bound(const std::string& what, const std::string& counter, double most) {
    lines_.push_back({.what = what, .peer = {}, .counter = counter, .goal = most, .most = {}});
}

void Report::limit(const std::string& what, std::chrono::nanoseconds most) {
    lines_.push_back({.what = what, .peer = {}, .counter = {}, .goal = {}, .most = most});
}

bool Report::ReportContext(const Context& /*context*/) { return true; }

void Report::ReportRuns(const std::vector<Run>& runs) {
    for (const Run& run : runs) {
        if (run.run_type != Run::RT_Iteration || run.iterations == 0 || run.error_occurred) {
            continue;
        }
        std::string name = run.run_name.function_name;
        nanoseconds_[name].push_back(run.GetAdjustedRealTime() / GetTimeUnitMultiplier(run.time_unit) * 1e9);
        name += '/';
        for (const auto& [counter, value] : run.counters) {
            counters_[std::string(name).append(counter)].push_back(value);
        }
    }
}

std::optional<Report::Figure> Report::figure_of(const Figures& figures, const std::string& name) {
    const auto found = figures.find(name);
    if (found == figures.end()) {
        return std::nullopt;
    }
    std::vector<double> sorted = found->second;
    std::ranges::sort(sorted);
    const double median = quantile(sorted, 0.5);
    return Figure{.median = median,
                  .least = sorted.front(),
                  .spread = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 2 / median};
}

Report::Cells Report::cells_of(const Line& line) const {
    if (!line.counter.empty()) {
        return line.peer.empty() ? cells_of_counter(line) : cells_of_two_counters(line);
    }
    const auto ours = figure_of(nanoseconds_, line.what + "/memshare");
    if (ours && line.most) {
        return cells_of_limit(line, *ours);
    }
    const auto peers = figure_of(nanoseconds_, line.what + '/' + line.peer);
    return ours && peers ? cells_of_ratio(line, *ours, *peers) : Cells{};
}

Report::Cells Report::cells_of_two_counters(const Line& line) const {
    const auto ours = figure_of(counters_, line.what + "/memshare/" + line.counter);
    const auto peers = figure_of(counters_, line.what + '/' + line.peer + '/' + line.counter);
    if (!ours || !peers) {
        return {};
    }
    Cells cells = cells_of_ratio(line, *ours, *peers);
    cells.front() += ", " + line.counter;
    return cells;
}

Report::Cells Report::cells_of_counter(const Line& line) const {
    const auto found = counters_.find(line.what + "/memshare/" + line.counter);
    if (found == counters_.end()) {
        return {};
    }
    const double worst = std::ranges::max(found->second);
    return {line.what,
            number(worst, 0).append(1, ' ').append(line.counter),
            "",
            "",
            "",
            number(*line.goal, 0),
            worst <= *line.goal ? "yes" : "NO",
            ""};
}

Report::Cells Report::cells_of_limit(const Line& line, const Figure& ours) {
    const auto most = static_cast<double>(line.most->count());
    return {line.what,
            time_in_words(ours.median),
            "",
            "",
            "",
            time_in_words(most),
            ours.median <= most ? "yes" : "NO",
            spread_in_words(ours.spread)};
}

Report::Cells Report::cells_of_ratio(const Line& line, const Figure& ours, const Figure& peers) {
    const double ratio = ours.median / peers.median;
    const double allowed = line.goal ? std::max(*line.goal, 1 + noise) : 0;
    return {line.what,
            time_in_words(ours.median),
            line.peer + ' ' + time_in_words(peers.median),
            number(ratio, 2),
            number(ours.least / peers.least, 2),
            line.goal ? number(*line.goal, 2) : "",
            !line.goal         ? ""
            : ratio <= allowed ? "yes"
                               : "NO",
            spread_in_words(ours.spread) + " / " + spread_in_words(peers.spread)};
}

void Report::print_table(std::ostream& out) const {
    std::vector<Row> rows{{"what", "ours", "peer", "ratio", "least", "goal", "met?", "+/- ours / peer"}};
    for (const Line& line : lines_) {
        if (auto cells = cells_of(line); !cells.empty()) {
            rows.push_back(std::move(cells));
        }
    }
    if (rows.size() > 1) {
        print_rows(out, rows);
        out << "Times and their ratio are medians; \"least\" is the ratio of the least times, and +/- half "
               "of what\n"
               "lies between the quartiles: where they tell of a busy machine, run it again. A goal of 1.00 "
               "is\n"
               "met up to "
            << number(1 + noise, 2) << ", the noise.\n";
    }
}

} // namespace memshare::bench
