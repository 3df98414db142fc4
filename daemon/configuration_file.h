// The daemon's configuration file: lines of "name = value". It is read strictly: what cannot be understood,
// or cannot be read, is a mistake, as a limit that was passed over would be none.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

namespace memshare::daemon {

struct Setting {
    std::string name, value;
    std::size_t line = 0;
};

// All settings of a file, in their order. An error, as a sentence with the file and the line: the file cannot
// be read, is too large, or has a line that is no setting, comment or blank, or one that sets the same as
// another. A file that is not there is an error as well, unless it may be missing.
enum class Missing { is_wrong, is_fine };
std::expected<std::vector<Setting>, std::string> read_configuration(const std::string& path, Missing missing);

} // namespace memshare::daemon
