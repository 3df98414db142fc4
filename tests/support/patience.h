// How long a test waits for what another process does, before it calls that a failure.
#pragma once

#include <chrono>
#include <functional>

namespace memshare::test {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Under a sanitizer everything takes some ten times longer.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

// This one takes no new thread in a child of a process that has several.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool thread_sanitized = true;
#else
inline constexpr bool thread_sanitized = false;
#endif

// Nothing that we wait for takes this long unless it never comes.
inline constexpr seconds long_enough{20};

// Looks again and again until it is so; false, if it was not within this time. For effects that come in their
// own time and tell nobody, such as a descriptor that another process closes.
bool eventually(const std::function<bool()>& is_so, milliseconds within = long_enough);

} // namespace memshare::test
