// memsharectl: shows and changes what a memshare broker has.
#include "client/ctl/arguments.h"
#include "client/ctl/command_line.h"
#include "client/ctl/commands.h"
#include "client/ctl/output.h"
#include <memshare/error.hpp>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <sstream>

namespace {

using namespace memshare;

// What CLI11 says to help, a version or a mistake: the exit code.
int exit_with(const CLI::App& app, const CLI::ParseError& end) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(end, out, err);
    ctl::print(out.str());
    std::string sentences = err.str();
    sentences.erase(sentences.find_last_not_of('\n') + 1);
    if (!sentences.empty()) {
        ctl::complain(sentences);
    }
    return code;
}

std::string unknown_option(const std::string& word) {
    return "there is no option " + word +
           " here; a word that begins with a dash and is no option comes after "
           "\"--\"";
}

int run_command_line(int argc, char** argv) {
    ctl::CommandLine line;
    try {
        line.app.parse(ctl::arguments_of(argc, argv));
    } catch (const CLI::RequiredError& missing) {
        const bool has_command = !line.app.get_subcommands().empty();
        const auto unknown = line.app.remaining(true);
        if (has_command && unknown.empty()) {
            return exit_with(line.app, missing);
        }
        ctl::complain(has_command ? unknown_option(unknown.front())
                      : unknown.empty()
                          ? "no command was given; --help lists those there are"
                          : "there is no command " + unknown.front() + "; --help lists those there are");
        return missing.get_exit_code();
    } catch (const CLI::ExtrasError& extras) {
        const auto unknown = line.app.remaining(true);
        const auto option = std::ranges::find_if(unknown, [](const auto& word) { return word[0] == '-'; });
        if (option == unknown.end()) {
            return exit_with(line.app, extras);
        }
        ctl::complain(unknown_option(*option));
        return extras.get_exit_code();
    } catch (const CLI::ParseError& end) {
        return exit_with(line.app, end);
    }
    return line.action();
}

} // namespace

int main(int argc, char** argv) {
    ctl::reserve_standard_descriptors();
    try {
        const int code = run_command_line(argc, argv);
        ctl::finish_output();
        return code;
    } catch (const Error& error) {
        ctl::complain(error.segment().empty() ? error.what() : ctl::sentence_of(error, error.segment()));
    } catch (const std::bad_alloc&) {
        ctl::complain(
            "this takes more memory than the process can have (see free and ulimit -v); with a "
            "RANGE or a pattern it takes less");
    } catch (const std::exception& error) {
        ctl::complain(error.what());
    }
    return EXIT_FAILURE;
}
