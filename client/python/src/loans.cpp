#include "client/python/src/loans.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

namespace memshare::python {
namespace {

struct Fork {
    int hears = -1; // when its child is gone
    std::uint64_t number = 0;
};
struct Loan {
    Segment segment;
    std::uint64_t born = 0;
};

// Never destroyed: segments can end after everything else has.
struct All {
    std::uint64_t forks = 0;
    std::size_t segments = 0; // that this process has
    std::vector<Fork> living;
    std::vector<Loan> loans;
    std::array<int, 2> pipe{-1, -1}; // of the fork that is under way

    static All& instance() {
        static All& all = *new All();
        return all;
    }
};

bool is_over(const Fork& fork) {
    pollfd end{.fd = fork.hears, .events = 0, .revents = 0};
    return poll(&end, 1, 0) == 1;
}

void close_end(int& end) {
    if (end >= 0) {
        close(std::exchange(end, -1));
    }
}

// Whether a child that lives was forked after it was made.
bool may_be_needed(const All& all, std::uint64_t born) {
    return !all.living.empty() && all.living.back().number > born;
}

} // namespace

std::uint64_t forks_before_a_new_one() {
    ++All::instance().segments;
    return All::instance().forks;
}

void settle() noexcept {
    All& all = All::instance();
    if (all.living.empty()) {
        return;
    }
    std::erase_if(all.living, [](Fork& fork) {
        const bool over = is_over(fork);
        if (over) {
            close_end(fork.hears);
        }
        return over;
    });
    std::erase_if(all.loans, [&](const Loan& loan) { return !may_be_needed(all, loan.born); });
}

void let_go(Segment&& segment, std::uint64_t born) noexcept {
    try {
        All& all = All::instance();
        Segment ending = std::move(segment);
        --all.segments;
        if (!may_be_needed(all, born) || !ending.is_shared()) {
            return;
        }
        settle();
        if (may_be_needed(all, born)) {
            all.loans.push_back({std::move(ending), born});
        }
    } catch (...) { // NOLINT(bugprone-empty-catch): for want of memory it ends now
    }
}

PyObject* before_fork(PyObject* /*module*/, PyObject* /*none*/) {
    All& all = All::instance();
    settle();
    if (all.segments == 0 || pipe2(all.pipe.data(), O_CLOEXEC) != 0) {
        all.pipe = {-1, -1}; // without descriptors there are no loans
    }
    Py_RETURN_NONE;
}

PyObject* after_fork_in_parent(PyObject* /*module*/, PyObject* /*none*/) {
    return guarded([]() -> PyObject* {
        All& all = All::instance();
        close_end(all.pipe[1]);
        ++all.forks;
        if (all.pipe[0] >= 0) {
            all.living.push_back({std::exchange(all.pipe[0], -1), all.forks});
        }
        Py_RETURN_NONE;
    });
}

// The child keeps its end open to its own end.
PyObject* after_fork_in_child(PyObject* /*module*/, PyObject* /*none*/) {
    All& all = All::instance();
    close_end(all.pipe[0]);
    all.pipe[1] = -1;
    std::ranges::for_each(all.living, [](Fork& fork) { close_end(fork.hears); });
    all.living.clear();
    all.loans.clear();
    Py_RETURN_NONE;
}

} // namespace memshare::python
