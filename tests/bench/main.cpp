// What memshare costs, beside the limits and the peers, in one run.
#include "tests/bench/benchmarks.h"

#include <cstdlib>
#include <iostream>
#include <span>
#include <string_view>

namespace {

using namespace memshare::bench;

constexpr std::string_view help =
    "usage: memshare_bench [--json FILE] [GOOGLE BENCHMARK'S OPTIONS...]\n"
    "Measures what memshare costs beside raw shared memory, the least of all servers, plain memory and what\n"
    "others lock and wait by, and prints the ratios beside the goals. It takes a few minutes.\n"
    "  --json FILE                   keep all figures, as Google Benchmark's JSON\n"
    "  --benchmark_filter=REGEX      only these, as in --benchmark_filter=create/4KiB/one_core\n"
    "  --benchmark_list_tests        what there is to measure\n"
    "  --benchmark_repetitions=N     how often, each time for --benchmark_min_time=SECONDS\n";

// Google Benchmark's options: ours first, so that the caller's win. Repetitions come in random order, so that
// what disturbs the machine meanwhile disturbs all alike.
std::vector<std::string> options_of(std::span<char*> arguments) {
    std::vector<std::string> options{"memshare_bench", "--benchmark_enable_random_interleaving=true",
                                     "--benchmark_repetitions=25", "--benchmark_min_time=0.015"};
    for (std::size_t at = 1; at < arguments.size(); ++at) {
        const std::string_view argument = arguments[at];
        if (argument == "--json" && at + 1 < arguments.size()) {
            options.push_back(std::string("--benchmark_out=") + arguments[++at]);
            options.emplace_back("--benchmark_out_format=json");
        } else {
            options.emplace_back(argument);
        }
    }
    return options;
}

int run(std::vector<std::string> options) {
    std::vector<char*> arguments;
    arguments.reserve(options.size() + 1);
    for (std::string& option : options) {
        arguments.push_back(option.data());
    }
    arguments.push_back(nullptr);
    auto count = static_cast<int>(options.size());
    benchmark::Initialize(&count, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) {
        return EXIT_FAILURE;
    }
    std::cout << machine_in_words() << '\n' << std::flush;
    remove_raw_names_when_interrupted();
    Servers servers;
    Report report;
    add_create_and_attach(report, servers);
    add_pipeline(report, servers);
    add_value(report, servers);
    add_slots(report, servers);
    add_lock(report, servers);
    add_wake(report, servers);
    add_recovery(report, servers);
    add_array(report, servers);
    add_touch(report, servers);
    add_json(report);
    add_idle(report, servers);
    add_isolation(report);
    add_keeping(report);
    benchmark::RunSpecifiedBenchmarks(&report);
    benchmark::Shutdown();
    report.print_table(std::cout);
    return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
    const std::span arguments(argv, static_cast<std::size_t>(argc));
    for (const std::string_view argument : arguments.subspan(1)) {
        if (argument == "--help" || argument == "-h") {
            std::cout << help;
            return EXIT_SUCCESS;
        }
    }
    try {
        return run(options_of(arguments));
    } catch (const std::exception& failure) {
        std::cerr << "memshare_bench: " << failure.what() << '\n';
        return EXIT_FAILURE;
    }
}
