// `watch`: prints events for as long as somebody reads them.
#include "client/ctl/commands.h"
#include "client/ctl/json.h"
#include "client/ctl/output.h"
#include "client/ctl/table.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <thread>

namespace memshare::ctl {
namespace {

// Ends this process when nobody can read its output any more, even if nothing happens that could be printed.
void end_with_the_reader() {
    std::thread([] {
        pollfd reader{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
        while (poll(&reader, 1, -1) < 0 && errno == EINTR) {
        }
        if ((reader.revents & POLLERR) != 0) {
            kill(getpid(), SIGPIPE); // as a write would; if that is ignored, it is an error
            complain("cannot write to standard output: its reader is gone");
            _exit(EXIT_FAILURE);
        }
    }).detach();
}

} // namespace

void watch(Broker& broker, const std::string& pattern, bool as_json) {
    end_with_the_reader();
    std::exception_ptr failure;
    broker.watch(pattern, [&](const Event& event) {
        try {
            print(as_json ? json_of(event) : line_of(event));
        } catch (...) {
            failure = std::current_exception();
        }
        return !failure;
    });
    if (failure) {
        std::rethrow_exception(failure);
    }
}

} // namespace memshare::ctl
