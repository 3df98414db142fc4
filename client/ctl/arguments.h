// The words of the command line, in the order in which CLI11 understands them.
#pragma once

#include <string>
#include <vector>

namespace memshare::ctl {

// Moves the words of `set` and `get` that are no options behind "--", as CLI11 takes a number below zero for
// an option. The result is in reverse order, as CLI11 wants it.
std::vector<std::string> arguments_of(int argc, char** argv);

} // namespace memshare::ctl
