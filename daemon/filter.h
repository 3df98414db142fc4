// Which segments a caller wants to hear of, and may. Pure.
#pragma once

#include "daemon/registry.h"

#include <optional>
#include <string>

namespace memshare::daemon {

struct Filter {
    Caller caller;                    // who has to be allowed to read it
    std::string pattern;              // of names, as a shell has them; empty: any, also none
    std::optional<std::uint32_t> uid; // its owner's

    // Refuses a pattern that cannot be one.
    static proto::Answer<Filter> of(const Caller& caller, std::string pattern,
                                    std::optional<std::uint32_t> uid);

    bool takes(const Segment& segment) const;
};

} // namespace memshare::daemon
