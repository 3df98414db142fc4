// memsharectl: shows and changes what a memshare broker has.
#include "client/ctl/commands.h"
#include "client/ctl/run.h"
#include <memshare/error.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace {

using namespace memshare;

Broker broker_at(const std::string& socket) { return socket.empty() ? Broker::local() : Broker(socket); }

// What each command needs, and what is to be done in the end.
struct CommandLine {
    CLI::App app{"Shows and changes what a memshare broker has.", "memsharectl"};
    std::string socket, pattern, name, range, daemon;
    std::vector<std::string> names, values, command;
    std::size_t first = 0;
    bool as_json = false;
    std::string mode = "0600", group;
    ctl::CreateArguments creation;
    std::function<int()> action;

    CommandLine() {
        app.set_version_flag("--version", MEMSHARE_VERSION);
        app.require_subcommand(1);
        app.fallthrough();
        app.add_option("--socket", socket,
                       "The broker's socket (default: $MEMSHARE_SOCKET, the user's, the system's)");
        add_list();
        add_show();
        add_create();
        add_get();
        add_set();
        add_destroy();
        add_chmod();
        add_chown();
        add_persist();
        add_freeze();
        add_stats();
        add_check("doctor", "Compare what the broker says with what /proc says; fail, if they differ",
                  ctl::doctor);
        add_watch();
        add_run();
    }
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;
    ~CommandLine() = default;

    CLI::App* add(const std::string& word, const std::string& what, std::function<void(Broker&)> does) {
        return add_check(word, what, [does = std::move(does)](Broker& broker) {
            does(broker);
            return true;
        });
    }
    // The same for one whose answer may be no.
    CLI::App* add_check(const std::string& word, const std::string& what, std::function<bool(Broker&)> does) {
        CLI::App* command_app = app.add_subcommand(word, what);
        command_app->callback([this, does = std::move(does)] {
            action = [this, does] {
                Broker broker = broker_at(socket);
                return does(broker) ? EXIT_SUCCESS : EXIT_FAILURE;
            };
        });
        return command_app;
    }

    void add_list() {
        CLI::App* to = add("list", "List segments", [this](Broker& b) { ctl::list(b, pattern, as_json); });
        to->add_option("PATTERN", pattern, "Only names that match this shell pattern");
        to->add_flag("--json", as_json, "Print JSON");
    }
    void add_show() {
        CLI::App* to =
            add("show", "Tell all about a segment", [this](Broker& b) { ctl::show(b, name, as_json); });
        to->add_option("NAME", name, "Its name or id")->required();
        to->add_flag("--json", as_json, "Print JSON");
    }
    void add_create() {
        CLI::App* to =
            add("create", "Make a segment of zeros", [this](Broker& b) { ctl::create(b, creation); });
        to->add_option("NAME", creation.name, "Its name")->required();
        to->add_option("ELEMENT", creation.kind, "What it holds")
            ->required()
            ->check(CLI::IsMember({"i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64", "bool",
                                   "char", "wchar"}));
        to->add_option("--count", creation.count, "Make an array of this length (default: one value)")
            ->check(CLI::Range(std::uint64_t{1}, std::numeric_limits<std::uint64_t>::max()));
        to->add_option("--shape", creation.shape, "Make an array of these dimensions: 3,4")->delimiter(',');
        to->add_option("--lifetime", creation.options.lifetime,
                       "When it ends: persistent (when destroyed; the default) or attached (when no process "
                       "has it, as\n"
                       "soon as this command ends)")
            ->transform(
                CLI::Transformer(std::map<std::string, Lifetime>{{"attached", Lifetime::attached},
                                                                 {"persistent", Lifetime::persistent}})
                    .description(""));
        to->add_option("--mode", mode, "Who may read and write it, in octal")->capture_default_str();
        to->add_option("--group", group, "Whom the mode's group bits mean, by name or number");
        to->add_flag("--freezable", creation.options.freezable, "Let it be frozen later");
        to->add_flag("--reserve", creation.options.reserve,
                     "Take all of its memory now: too little of it is an error, and no segment");
        to->add_option("--huge-pages", creation.options.huge_pages,
                       "What pages it is made of, if there are such: no, transparent, size_2m or size_1g")
            ->transform(
                CLI::Transformer(std::map<std::string, HugePages>{{"no", HugePages::no},
                                                                  {"transparent", HugePages::transparent},
                                                                  {"size_2m", HugePages::size_2m},
                                                                  {"size_1g", HugePages::size_1g}})
                    .description(""));
        to->parse_complete_callback([this] { finish_creation(); });
    }
    void finish_creation() {
        creation.options.mode = ctl::mode_of(mode);
        if (!group.empty()) {
            creation.options.group = ctl::group_of(group);
        }
        if (!creation.shape.empty()) {
            const auto product = std::reduce(creation.shape.begin(), creation.shape.end(), std::uint64_t{1},
                                             std::multiplies{});
            if (creation.count.value_or(product) != product) {
                throw CLI::ValidationError("--shape", "does not multiply to --count");
            }
            creation.count = product;
        }
    }
    void add_get() {
        CLI::App* to =
            add("get", "Print what a segment holds", [this](Broker& b) { ctl::get(b, name, range); });
        to->add_option("NAME", name, "Its name or id")->required();
        to->add_option("RANGE", range, "Only this element (3), or these (2:5, :5, 2:), counted from 0");
    }
    void add_set() {
        CLI::App* to =
            add("set", "Store into a segment", [this](Broker& b) { ctl::set(b, name, values, first); });
        to->add_option("NAME", name, "Its name or id")->required();
        to->add_option("VALUE", values, "One for each element; for a struct FIELD=VALUE")->required();
        to->add_option("--at", first, "The index of the first element")->capture_default_str();
    }
    void add_destroy() {
        CLI::App* to = add("destroy", "End segments: who has them mapped keeps them",
                           [this](Broker& b) { ctl::destroy(b, names); });
        to->add_option("NAME", names, "Their names or ids")->required();
    }
    void add_chmod() {
        CLI::App* to = add("chmod", "Change who may read and write segments",
                           [this](Broker& b) { ctl::change(b, names, {.mode = ctl::mode_of(mode)}); });
        to->add_option("MODE", mode, "Read and write bits of the owner, the group and others, in octal: 0640")
            ->required();
        to->add_option("NAME", names, "Their names or ids")->required();
    }
    void add_chown() {
        CLI::App* to = add("chown", "Change which group may use segments", [this](Broker& b) {
            if (!group.starts_with(':')) {
                throw std::invalid_argument("the owner of a segment cannot be changed, only its group: :" +
                                            group);
            }
            ctl::change(b, names, {.group = ctl::group_of(group.substr(1))});
        });
        to->add_option(":GROUP", group, "A group of yours, by its name or number")->required();
        to->add_option("NAME", names, "Their names or ids")->required();
    }
    void add_persist() {
        CLI::App* to = add("persist", "Let segments stay until they are destroyed",
                           [this](Broker& b) { ctl::change(b, names, {.lifetime = Lifetime::persistent}); });
        to->add_option("NAME", names, "Their names or ids")->required();
    }
    void add_freeze() {
        CLI::App* to =
            add("freeze", "End all writing to segments that were made freezable, for ever and for everybody",
                [this](Broker& b) { ctl::freeze(b, names); });
        to->add_option("NAME", names, "Their names or ids")->required();
    }
    void add_stats() {
        CLI::App* to = add("stats", "Show what is used of what is limited, and what the broker has done",
                           [this](Broker& b) { ctl::stats(b, as_json); });
        to->add_flag("--json", as_json, "Print JSON");
    }
    void add_watch() {
        CLI::App* to = add("watch", "Print what happens to segments, until Ctrl-C",
                           [this](Broker& b) { ctl::watch(b, pattern, as_json); });
        to->add_option("PATTERN", pattern, "Only names that match this shell pattern");
        to->add_flag("--json", as_json, "Print JSON, one event a line");
    }
    void add_run() {
        CLI::App* to = app.add_subcommand("run", "Run a command with a private broker, which ends with it");
        to->add_option("--daemon", daemon,
                       "The memshared to start (default: the one beside memsharectl, or $PATH)");
        to->add_option("COMMAND", command, "The command and its arguments, after --")->required();
        to->positionals_at_end();
        to->callback([this] { action = [this] { return ctl::run_with_private_broker(command, daemon); }; });
    }
};

// None of our options begins with a digit, so -2 is a number.
bool is_option(const std::string& word) {
    return word.size() > 1 && word[0] == '-' && std::isdigit(static_cast<unsigned char>(word[1])) == 0 &&
           word[1] != '.';
}

bool takes_the_next(const std::string& option) { return option == "--at" || option == "--socket"; }

// CLI11 would take a number below zero for an option: so the values of `set` come last, after "--".
std::vector<std::string> arguments_of(int argc, char** argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    std::vector<std::string> options;
    std::vector<std::string> others;
    for (auto word = words.begin(); word != words.end() && *word != "--"; ++word) {
        (is_option(*word) ? options : others).push_back(*word);
        if (takes_the_next(*word) && word + 1 != words.end()) {
            options.push_back(*++word);
        }
    }
    const bool is_set = !others.empty() && others.front() == "set";
    if (is_set && std::ranges::find(words, "--") == words.end()) {
        words = {"set", "--"};
        words.insert(words.begin() + 1, options.begin(), options.end());
        words.insert(words.end(), others.begin() + 1, others.end());
    }
    std::ranges::reverse(words); // as CLI11 wants them
    return words;
}

} // namespace

int main(int argc, char** argv) {
    try {
        CommandLine line;
        try {
            line.app.parse(arguments_of(argc, argv));
        } catch (const CLI::RequiredError& missing) {
            const auto unknown = line.app.remaining();
            if (unknown.empty()) {
                return line.app.exit(missing);
            }
            std::cerr << "memsharectl: there is no command " << unknown.front()
                      << "; --help lists those there are\n";
            return missing.get_exit_code();
        } catch (const CLI::ParseError& end) {
            return line.app.exit(end);
        }
        return line.action();
    } catch (const std::exception& error) {
        std::cerr << "memsharectl: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
}
