// How much is used of what a broker limits, and what it has done.
#pragma once

#include <memshare/segment_info.hpp>

namespace memshare {

// One resource: "sessions", "segments", "bytes", "attachments", "names", "streams" (open Broker::watch and
// long lists), "unreadBytes" (of replies that wait for their readers), "callBytes" (of calls that have come
// in part), "descriptionBytes" (of the fields of structs, as the broker holds them), "initialBytes" (pages
// that the broker has filled), "keptSegments" and "keptBytes" (of others, who have ended them), "descriptors"
// (of the broker).
struct Usage {
    std::string resource;
    std::uint64_t used = 0, limit = 0;
};

struct UserUsage {
    std::uint32_t uid = 0;
    std::vector<Usage> usage;
};

// What a broker has done since it started.
struct Counters {
    std::uint64_t calls = 0, refusals = 0; // calls that it answered, and those of them with an error
    std::uint64_t sessions = 0, segments = 0, attachments = 0;
    std::uint64_t recoveries = 0;  // locks that it passed on from the dead
    std::uint64_t events_lost = 0; // that somebody who watched did not take in time
    // A step is what the broker does between two looks at its connections: while it lasts everybody waits.
    std::chrono::microseconds longest_step{};
    std::uint64_t steps_over_5_ms = 0; // how many steps took more than 5 ms
};

struct Statistics {
    std::int64_t pid = 0; // the broker's, as it sees itself
    Time started;
    std::vector<UserUsage> users; // this process's user; for root, those who use most
    std::vector<Usage> total;     // of all users together
    Counters counters;
};

} // namespace memshare
