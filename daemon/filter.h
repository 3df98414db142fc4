// Which segments a caller wants to hear of, and may. Pure.
#pragma once

#include "daemon/pattern.h"
#include "daemon/registry.h"

#include <memory>
#include <optional>
#include <string>

namespace memshare::daemon {

struct Filter {
    Caller caller;                             // who has to be allowed to read it
    std::string pattern;                       // of names, as a shell has them; empty: any, also none
    std::optional<std::uint32_t> uid;          // its owner's
    std::shared_ptr<const Pattern> compiled{}; // of the pattern, if there is one; shared by all with the same

    // Refuses a pattern that cannot be one.
    static proto::Answer<Filter> of(const Caller& caller, std::string pattern,
                                    std::optional<std::uint32_t> uid);

    bool takes(const Segment& segment) const { return may_take(segment) && matches(segment); }

    // The two halves: what depends on the caller, and what depends on the pattern alone.
    bool may_take(const Segment& segment) const;
    bool matches(const Segment& segment) const;
};

} // namespace memshare::daemon
