// Processes, as the interface tells of them.
#pragma once

#include "proto/members.h"

namespace memshare::proto {

// One with a session.
struct Process {
    std::int64_t pid = 0;
    std::uint32_t uid = 0;
    std::string program;
    static constexpr auto members() {
        return std::tuple(required("pid", &Process::pid), required("uid", &Process::uid),
                          required("program", &Process::program));
    }
    friend bool operator==(const Process&, const Process&) = default;
};

// One that ended while it held a lock.
struct DeadHolder {
    std::int64_t pid = 0;
    std::uint32_t uid = 0;
    std::string program;
    std::uint64_t time_usec = 0;
    static constexpr auto members() {
        return std::tuple(required("pid", &DeadHolder::pid), required("uid", &DeadHolder::uid),
                          required("program", &DeadHolder::program),
                          required("timeUSec", &DeadHolder::time_usec));
    }
    friend bool operator==(const DeadHolder&, const DeadHolder&) = default;
};

} // namespace memshare::proto
