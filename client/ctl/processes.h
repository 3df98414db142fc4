// Which processes of this machine have memory of segments, as /proc tells.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace memshare::ctl {

struct Holdings {
    std::map<std::int64_t, std::set<std::string>> segments; // ids of what is mapped or open, by pid
    std::set<std::int64_t> closed;                          // those that this process may not look into
};
Holdings all_holdings();

// What one process has open.
struct OpenFiles {
    std::size_t all = 0, pidfds = 0;
    std::map<std::string, std::uint64_t> memory; // bytes of each segment's, by id
};

// Nothing, if there is no such process, or this one may not look.
std::optional<OpenFiles> open_files(std::int64_t pid);

bool is_there(std::int64_t pid);

// What the kernel calls it; "" if it is not there.
std::string name_of_process(std::int64_t pid);

} // namespace memshare::ctl
