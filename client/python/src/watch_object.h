// A descriptor that tells an event loop of a segment's changes, as an object of Python.
#pragma once

#include "client/python/src/segment_object.h"

namespace memshare::python {

int add_watch_type(PyObject* module);

// The module's function `watch`: a new watch of a segment.
PyObject* watch(PyObject* module, PyObject* segment);

} // namespace memshare::python
