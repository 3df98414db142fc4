// Calls to the broker within a wait that has a deadline.
#pragma once

#include <memshare/broker.hpp>
#include <memshare/deadline.hpp>
#include <memshare/error.hpp>

#include <algorithm>
#include <chrono>

namespace memshare::client {

// Makes a call that takes no longer than the deadline allows: whether the broker has answered by then.
// `usual` is how long the call may take anyway. A deadline that is past still leaves the call a millisecond,
// in which a broker that is there answers. Throws what the call throws, unless the deadline alone was too
// soon for it.
bool call_until(const detail::Deadline& deadline, std::chrono::milliseconds usual, auto call) {
    using std::chrono::milliseconds;
    if (!deadline) {
        call();
        return true;
    }
    const auto left = *deadline - std::chrono::steady_clock::now();
    const auto limit = std::max(std::chrono::ceil<milliseconds>(left), milliseconds(1));
    const CallLimit soon(limit);
    try {
        call();
    } catch (const Error& error) {
        if (error.code() != Errc::broker_lost || limit >= usual) {
            throw;
        }
        return false;
    }
    return true;
}

} // namespace memshare::client
