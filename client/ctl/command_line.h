// The commands and options of memsharectl.
#pragma once

#include "client/ctl/commands.h"
#include "client/ctl/numbers.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

namespace memshare::ctl {

struct CommandLine {
    CommandLine();
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;
    ~CommandLine() = default;

    // Throws CLI::ParseError when it parses help, a version or a mistake.
    CLI::App app{"Shows and changes the shared-memory segments of a memshare broker.", "memsharectl"};
    std::function<int()> action; // after parsing: what the command does; returns the exit code

    std::string socket, pattern, name, range, daemon;
    std::vector<std::string> names, values, command;
    std::size_t first = 0;
    bool as_json = false;
    Changed changed;
    CreateArguments creation;
    Shape shape;

    CLI::App* add(const std::string& word, const std::string& what, std::function<void(Broker&)> does);

    // The same for one whose answer may be no.
    CLI::App* add_check(const std::string& word, const std::string& what, std::function<bool(Broker&)> does);

    // An option or argument whose word is read by `read`, which throws std::invalid_argument.
    static CLI::Option* add_word(CLI::App* to, const std::string& what, const std::string& help,
                                 std::function<void(const std::string&)> read);

    void add_list();
    void add_show();
    void add_create();
    void finish_creation();
    void add_get();
    void add_set();

    // One whose work is done for each of several names.
    CLI::App* add_for_names(const std::string& word, const std::string& what,
                            std::function<bool(Broker&)> does,
                            const std::function<void(CLI::App*)>& add_first = {});

    void add_destroy();
    void add_chmod();
    void add_chown();
    void add_persist();
    void add_freeze();
    void add_stats();
    void add_watch();
    void add_run();
};

} // namespace memshare::ctl
