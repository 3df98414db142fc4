// What the log tells, and of what: pure, so that the rules can report too.
#pragma once

#include "proto/process.h"

#include <functional>
#include <optional>
#include <string>

namespace memshare::daemon {

struct Report {
    // Each has a name and a message id of its own in the journal; see log.cpp.
    enum class Event {
        lock_recovered,        // a process died holding it
        lock_lost,             // it may stay held for ever
        conversation_ended,    // by the daemon, as its peer broke the protocol
        session_refused,       // as it could not be kept
        connections_delayed,   // for want of descriptors or memory
        connections_ended,     // at one socket, for ever
        record_lost,           // one that was kept cannot be taken up
        configuration_refused, // it stays as it was
        memory_unknown,        // that the daemon may use
        failed                 // the daemon, and ends
    };

    Event event{};
    std::string sentence;
    std::string segment{};
    std::optional<proto::Process> process{}; // whose doing it was
};

using Tell = std::function<void(const Report&)>;

} // namespace memshare::daemon
