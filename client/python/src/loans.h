// Segments that this process has let go of, while its forked children may not have attached them yet.
#pragma once

#include "client/python/src/python.h"
#include <memshare/segment.hpp>

namespace memshare::python {

// A child attaches what it inherited when it first locks it; if its parent had detached before, the segment
// would have ended. Each fork has a pipe: its child keeps one end, whatever it does, and when the child and
// all that it has forked are gone (or are other programs), the other end says so. Until then what the child
// may have inherited stays attached here.

// For each segment that is made or opened: how many forks there have been, as let_go() wants to know.
std::uint64_t forks_before_a_new_one();

// Lets go of a segment, now or when no child can need it any more.
void let_go(Segment&& segment, std::uint64_t born) noexcept;

// Lets go of what no child needs any more.
void settle() noexcept;

// For os.register_at_fork.
PyObject* before_fork(PyObject* module, PyObject* none);
PyObject* after_fork_in_parent(PyObject* module, PyObject* none);
PyObject* after_fork_in_child(PyObject* module, PyObject* none);

} // namespace memshare::python
