// Tells a StepClock that Asio calls a handler. Asio includes this file itself (ASIO_CUSTOM_HANDLER_TRACKING)
// and demands all of these macros; the library is free of it otherwise, so that tests of Asio need no daemon.
#pragma once

namespace memshare::daemon::handler_hook {

// NOLINTBEGIN(*-avoid-non-const-global-variables): Asio's macros reach nothing but what is global
inline thread_local void* clock = nullptr; // of this thread, if it measures its steps
inline thread_local void (*begin)(void* clock) = nullptr;
// NOLINTEND(*-avoid-non-const-global-variables)

inline void handler_begins() {
    if (clock != nullptr) {
        begin(clock);
    }
}

} // namespace memshare::daemon::handler_hook

// NOLINTBEGIN(cppcoreguidelines-macro-usage,bugprone-macro-parentheses,modernize-macro-to-enum)
#define ASIO_INHERIT_TRACKED_HANDLER
#define ASIO_ALSO_INHERIT_TRACKED_HANDLER
#define ASIO_HANDLER_TRACKING_INIT (void)0
#define ASIO_HANDLER_LOCATION(location) (void)0
#define ASIO_HANDLER_CREATION(args) (void)0
#define ASIO_HANDLER_COMPLETION(args) ::memshare::daemon::handler_hook::handler_begins()
#define ASIO_HANDLER_INVOCATION_BEGIN(args) (void)0
#define ASIO_HANDLER_INVOCATION_END (void)0
#define ASIO_HANDLER_OPERATION(args) (void)0
#define ASIO_HANDLER_REACTOR_REGISTRATION(args) (void)0
#define ASIO_HANDLER_REACTOR_DEREGISTRATION(args) (void)0
#define ASIO_HANDLER_REACTOR_READ_EVENT 0
#define ASIO_HANDLER_REACTOR_WRITE_EVENT 0
#define ASIO_HANDLER_REACTOR_ERROR_EVENT 0
#define ASIO_HANDLER_REACTOR_EVENTS(args) (void)0
#define ASIO_HANDLER_REACTOR_OPERATION(args) (void)0
// NOLINTEND(cppcoreguidelines-macro-usage,bugprone-macro-parentheses,modernize-macro-to-enum)
