#include "client/python/src/fork.h"

#include "client/python/src/fork_of_c.h"
#include "client/python/src/gil.h"
#include "client/python/src/patience.h"
#include "client/python/src/segment_object.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>
#include <vector>

namespace memshare::python {
namespace {

// Longer than the child's calls may take.
constexpr std::chrono::seconds longest_wait{10};

// A fork that is under way. Of its line, a pipe, the child closes its end when it has attached, and if it
// ends, so does that.
struct Fork {
    std::thread::id thread;
    std::vector<Ref> segments; // none of them ends before the child has attached
    std::array<int, 2> line{-1, -1};
};

// Several, where the hooks of others let other threads run in between. Only touched with the GIL.
std::vector<Fork> forks;

// That of this thread; taken out.
Fork own_fork() {
    const auto own = std::ranges::find(forks, std::this_thread::get_id(), &Fork::thread);
    if (own == forks.end()) {
        return {};
    }
    Fork taken = std::move(*own);
    forks.erase(own);
    return taken;
}

void close_end(int& end) {
    if (end >= 0) {
        close(std::exchange(end, -1));
    }
}

void wait_for_end(int end) {
    using Clock = std::chrono::steady_clock;
    pollfd other{.fd = end, .events = 0, .revents = 0};
    const auto until = Clock::now() + longest_wait;
    for (auto now = Clock::now(); now < until; now = Clock::now()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
        if (poll(&other, 1, static_cast<int>(left)) >= 0 || errno != EINTR) {
            return;
        }
    }
}

} // namespace

PyObject* before_fork(PyObject* /*module*/, PyObject* /*none*/) {
    return guarded([]() -> PyObject* {
        if (has_segments()) {
            share_all_patiently(detail::deadline_of(longest_at_fork), Signals::deferred);
            is_forked_by_python() = true;
            Fork& fork =
                forks.emplace_back(Fork{.thread = std::this_thread::get_id(), .segments = all_segments()});
            if (pipe2(fork.line.data(), O_CLOEXEC) != 0) {
                fork.line = {-1, -1}; // without descriptors nobody waits
            }
        }
        Py_RETURN_NONE;
    });
}

PyObject* after_fork_in_parent(PyObject* /*module*/, PyObject* /*none*/) {
    is_forked_by_python() = false;
    Fork fork = own_fork();
    close_end(fork.line[1]);
    if (fork.line[0] >= 0) {
        const WithoutGil others_run;
        wait_for_end(fork.line[0]);
    }
    close_end(fork.line[0]);
    Py_RETURN_NONE;
}

PyObject* after_fork_in_child(PyObject* /*module*/, PyObject* /*none*/) {
    is_forked_by_python() = false;
    Fork own = own_fork();
    for (Fork& other :
         std::exchange(forks, {})) { // of threads that stayed in the parent, who wait for their own
        std::ranges::for_each(other.line, close_end);
    }
    close_end(own.line[0]);
    attach_all_again();
    close_end(own.line[1]);
    Py_RETURN_NONE;
}

} // namespace memshare::python
