// The type of segments, as Python sees it.
#pragma once

#include "client/python/src/segment_object.h"

namespace memshare::python {

PyTypeObject* segment_type();
bool is_segment(PyObject* object); // if not, Python has been told
int add_segment_type(PyObject* module);

// A new object for a segment. Throws Told.
PyObject* wrapped(Segment&& segment);

} // namespace memshare::python
