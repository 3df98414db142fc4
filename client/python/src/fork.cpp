#include "client/python/src/fork.h"

#include "client/python/src/segment_object.h"
#include <memshare/broker.hpp>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>

namespace memshare::python {
namespace {

// Who forks waits for no broker that is away for long: what is not shared by then is not, and says so, and
// what is not attached is so by its first lock.
constexpr std::chrono::seconds longest_call{1};

// Longer than the child's calls may take.
constexpr std::chrono::seconds longest_wait{10};

class Impatience {
  public:
    Impatience() : before_(Broker::local().timeout()) {
        Broker::local().set_timeout(std::min<std::chrono::milliseconds>(before_, longest_call));
    }
    Impatience(const Impatience&) = delete;
    Impatience& operator=(const Impatience&) = delete;
    ~Impatience() { Broker::local().set_timeout(before_); }

  private:
    std::chrono::milliseconds before_;
};

// Of the fork that is under way: the child closes its end when it has attached, and if it ends, so does that.
std::array<int, 2> line{-1, -1};

std::optional<Error> not_shared; // why all was not, before it

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
    not_shared.reset();
    if (has_segments()) {
        const Impatience while_this_lives;
        not_shared = share_all();
        if (pipe2(line.data(), O_CLOEXEC) != 0) {
            line = {-1, -1}; // without descriptors nobody waits
        }
    }
    Py_RETURN_NONE;
}

PyObject* after_fork_in_parent(PyObject* /*module*/, PyObject* /*none*/) {
    close_end(line[1]);
    if (line[0] >= 0) {
        wait_for_end(line[0]);
    }
    close_end(line[0]);
    Py_RETURN_NONE;
}

PyObject* after_fork_in_child(PyObject* /*module*/, PyObject* /*none*/) {
    close_end(line[0]);
    if (has_segments()) {
        const Impatience while_this_lives;
        attach_all_again(not_shared);
    }
    close_end(line[1]);
    Py_RETURN_NONE;
}

} // namespace memshare::python
