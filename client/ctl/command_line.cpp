#include "client/ctl/command_line.h"

#include "client/ctl/run.h"
#include "client/ctl/terminal_text.h"

#include <cstdlib>
#include <limits>
#include <map>
#include <stdexcept>
#include <utility>

namespace memshare::ctl {
namespace {

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

Broker broker_at(const std::string& socket) { return socket.empty() ? Broker::local() : Broker(socket); }

std::string expect_not_empty(const std::string& word) { return word.empty() ? "it is empty" : ""; }

// The library checks a name itself; a pattern may be any text that can be sent.
std::string expect_utf8(const std::string& word) { return is_utf8(word) ? "" : "it is not UTF-8"; }

} // namespace

CommandLine::CommandLine() {
    app.set_version_flag("--version", MEMSHARE_VERSION);
    app.require_subcommand(1);
    app.footer("\"memsharectl COMMAND --help\" explains a command, and memsharectl(1) everything.");
    app.fallthrough();
    app.add_option("--socket", socket,
                   "The broker's socket (default: $MEMSHARE_SOCKET, the user's, the system's)")
        ->check(expect_not_empty)
        ->type_name("PATH");
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
    add_check("doctor", "Compare the broker's books with /proc; fail if they differ", ctl::doctor);
    add_watch();
    add_run();
}

CLI::App* CommandLine::add(const std::string& word, const std::string& what,
                           std::function<void(Broker&)> does) {
    return add_check(word, what, [does = std::move(does)](Broker& broker) {
        does(broker);
        return true;
    });
}

CLI::App* CommandLine::add_check(const std::string& word, const std::string& what,
                                 std::function<bool(Broker&)> does) {
    CLI::App* command_app = app.add_subcommand(word, what);
    command_app->callback([this, does = std::move(does)] {
        action = [this, does] {
            Broker broker = broker_at(socket);
            return does(broker) ? EXIT_SUCCESS : EXIT_FAILURE;
        };
    });
    return command_app;
}

CLI::Option* CommandLine::add_word(CLI::App* to, const std::string& what, const std::string& help,
                                   std::function<void(const std::string&)> read) {
    return to->add_option_function<std::string>(
        what,
        [what, read = std::move(read)](const std::string& word) {
            try {
                read(word);
            } catch (const std::invalid_argument& mistake) {
                throw CLI::ValidationError(what, mistake.what());
            }
        },
        help);
}

void CommandLine::add_list() {
    CLI::App* to = add("list", "List segments", [this](Broker& b) { ctl::list(b, pattern, as_json); });
    to->add_option("PATTERN", pattern, "Only names that match this shell pattern")->check(expect_utf8);
    to->add_flag("--json", as_json, "Print JSON");
}

void CommandLine::add_show() {
    CLI::App* to =
        add("show", "Show everything about a segment", [this](Broker& b) { ctl::show(b, name, as_json); });
    to->add_option("NAME", name, "Its name or id")->required();
    to->add_flag("--json", as_json, "Print JSON");
}

void CommandLine::add_create() {
    CLI::App* to =
        add("create", "Make a segment, all of zeros", [this](Broker& b) { ctl::create(b, creation); });
    to->add_option("NAME", creation.name, "Its name")->required();
    to->add_option("ELEMENT", creation.kind, "The type of each element")
        ->required()
        ->check(CLI::IsMember(
            {"i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64", "bool", "char", "wchar"}));
    add_word(to, "--count", "Make an array of this length (default: one value)",
             [this](const std::string& word) { creation.count = ctl::whole_number(word, 1, no_limit); })
        ->type_name("NUMBER");
    add_word(to, "--shape", "Make an array of these dimensions: 3,4", [this](const std::string& word) {
        shape = ctl::shape_of(word);
    })->type_name("NUMBERS");
    to->add_option("--lifetime", creation.options.lifetime,
                   "When it ends: persistent (when destroyed; the default) or attached (when no process "
                   "has it, as\n"
                   "soon as this command ends)")
        ->transform(CLI::Transformer(std::map<std::string, Lifetime>{{"attached", Lifetime::attached},
                                                                     {"persistent", Lifetime::persistent}})
                        .description(""))
        ->type_name("WORD");
    add_word(to, "--mode", "Read and write bits of the owner, the group and others, in octal",
             [this](const std::string& word) { creation.options.mode = ctl::mode_of(word); })
        ->default_str("0600");
    add_word(to, "--group", "The group that the mode's group bits are for, by name or number",
             [this](const std::string& word) { creation.options.group = ctl::group_of(word); });
    to->add_flag("--freezable", creation.options.freezable, "Let it be frozen later");
    to->add_flag("--reserve", creation.options.reserve,
                 "Take all of its memory now: too little of it is an error, and no segment");
    to->add_option("--huge-pages", creation.options.huge_pages,
                   "Its memory pages, if the machine has such: no, transparent, size_2m or size_1g")
        ->transform(CLI::Transformer(std::map<std::string, HugePages>{{"no", HugePages::no},
                                                                      {"transparent", HugePages::transparent},
                                                                      {"size_2m", HugePages::size_2m},
                                                                      {"size_1g", HugePages::size_1g}})
                        .description(""))
        ->type_name("WORD");
    to->parse_complete_callback([this] { finish_creation(); });
}

void CommandLine::finish_creation() {
    if (shape.dimensions.empty()) {
        return;
    }
    if (creation.count.value_or(shape.product) != shape.product) {
        throw CLI::ValidationError("--shape", "the dimensions multiply to " + std::to_string(shape.product) +
                                                  " and not to the " + std::to_string(*creation.count) +
                                                  " of --count");
    }
    creation.shape = shape.dimensions;
    creation.count = shape.product;
}

void CommandLine::add_get() {
    CLI::App* to =
        add("get", "Print the contents of a segment", [this](Broker& b) { ctl::get(b, name, range); });
    to->add_option("NAME", name, "Its name or id")->required();
    to->add_option("RANGE", range, "Only this element (3), or these (2:5, :5, 2:), counted from 0")
        ->check(expect_not_empty);
}

void CommandLine::add_set() {
    CLI::App* to = add("set", "Store values or a text into a segment",
                       [this](Broker& b) { ctl::set(b, name, values, first); });
    to->add_option("NAME", name, "Its name or id")->required();
    to->add_option("VALUE", values, "One for each element; text for char and wchar; FIELD=VALUE for a struct")
        ->required();
    add_word(to, "--at", "The index of the first element to store",
             [this](const std::string& word) {
                 first = ctl::whole_number(word, 0, std::numeric_limits<std::size_t>::max());
             })
        ->type_name("INDEX")
        ->default_str("0");
}

CLI::App* CommandLine::add_for_names(const std::string& word, const std::string& what,
                                     std::function<bool(Broker&)> does,
                                     const std::function<void(CLI::App*)>& add_first) {
    CLI::App* to = add_check(word, what, std::move(does));
    if (add_first) {
        add_first(to);
    }
    to->add_option("NAME", names, "Their names or ids")->required();
    return to;
}

void CommandLine::add_destroy() {
    add_for_names("destroy", "End segments; processes that have them mapped keep them",
                  [this](Broker& b) { return ctl::destroy(b, names); });
}

void CommandLine::add_chmod() {
    add_for_names(
        "chmod", "Change the read and write permissions of segments",
        [this](Broker& b) { return ctl::change(b, names, changed); },
        [this](CLI::App* to) {
            add_word(to, "MODE", "Read and write bits of the owner, the group and others, in octal: 0640",
                     [this](const std::string& word) { changed.mode = ctl::mode_of(word); })
                ->required();
        });
}

void CommandLine::add_chown() {
    add_for_names(
        "chown", "Change the group of segments", [this](Broker& b) { return ctl::change(b, names, changed); },
        [this](CLI::App* to) {
            add_word(to, ":GROUP", "A group of yours, by its name or number",
                     [this](const std::string& word) {
                         if (!word.starts_with(':')) {
                             throw std::invalid_argument(
                                 "the owner of a segment cannot be changed, only its group: say :" +
                                 (word.empty() ? "GROUP" : word));
                         }
                         changed.group = ctl::group_of(word.substr(1));
                     })
                ->required();
        });
}

void CommandLine::add_persist() {
    add_for_names("persist", "Let segments stay until they are destroyed",
                  [this](Broker& b) { return ctl::change(b, names, {.lifetime = Lifetime::persistent}); });
}

void CommandLine::add_freeze() {
    add_for_names("freeze",
                  "End all writing to segments that were made freezable, for ever and for everybody",
                  [this](Broker& b) { return ctl::freeze(b, names); });
}

void CommandLine::add_stats() {
    CLI::App* to = add("stats", "Show the limits, how much of each is used, and what the broker has done",
                       [this](Broker& b) { ctl::stats(b, as_json); });
    to->add_flag("--json", as_json, "Print JSON");
}

void CommandLine::add_watch() {
    CLI::App* to = add("watch", "Print each event of segments as it happens, until Ctrl-C",
                       [this](Broker& b) { ctl::watch(b, pattern, as_json); });
    to->add_option("PATTERN", pattern, "Only names that match this shell pattern")->check(expect_utf8);
    to->add_flag("--json", as_json, "Print JSON, one event a line");
}

void CommandLine::add_run() {
    CLI::App* to = app.add_subcommand("run", "Run a command with a private broker, which ends with it");
    to->add_option("--daemon", daemon,
                   "The memshared to start (default: the one beside memsharectl, else in $PATH)")
        ->check(expect_not_empty);
    to->add_option("COMMAND", command, "The command and its arguments, after --")->required();
    to->positionals_at_end();
    to->callback([this] { action = [this] { return ctl::run_with_private_broker(command, daemon); }; });
}

} // namespace memshare::ctl
