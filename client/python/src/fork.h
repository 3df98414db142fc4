// A forked child has what its parent has, from the start.
#pragma once

#include "client/python/src/python.h"

namespace memshare::python {

// For os.register_at_fork. Before a fork all that is this process's alone becomes the broker's. The child
// then attaches all of it under a session of its own, and its parent waits until it has: so whatever either
// of them lets go of, and whichever of them ends first, the other keeps it.
PyObject* before_fork(PyObject* module, PyObject* none);
PyObject* after_fork_in_parent(PyObject* module, PyObject* none);
PyObject* after_fork_in_child(PyObject* module, PyObject* none);

} // namespace memshare::python
