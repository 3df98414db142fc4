// The machine that is measured on: its state in words, and which of its processors runs what.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace memshare::bench {

// What a reader of the figures has to know: processors, kernel, load, frequencies, huge pages.
std::string machine_in_words();

using Processors = std::vector<std::size_t>;

// Those that this process was started on.
const Processors& all_processors();

// From here on all threads of a process run there only, and so do those that they start.
void run_on(const Processors& processors, pid_t process);

// This thread runs on these processors as long as this lives, and on all of them afterwards.
class OnlyOn {
  public:
    explicit OnlyOn(const Processors& processors);
    OnlyOn(const OnlyOn&) = delete;
    OnlyOn& operator=(const OnlyOn&) = delete;
    ~OnlyOn();
};

// Lets this process of root's go before what else the machine does, if it has a session of its own: as a
// service that is given more weight.
void prefer(pid_t process);

// This thread is content with a tenth of a millisecond at a time; so the kernel need not wait for a better
// moment to let it run.
void take_short_turns();

// Where the two sides of a conversation run. On one core neither of them may look, awake, for what comes, as
// the other could not run meanwhile.
enum class Setting { one_core, two_cores };

std::vector<Setting> possible_settings();
std::string name_of(Setting setting);

Processors client_processors(Setting setting);
Processors server_processors(Setting setting);

// What a side sees when it starts and decides whether it may look: either one, or all.
Processors seen_processors(Setting setting);

} // namespace memshare::bench
