// How far the changes of a segment have got, and waiting until they get further.
#pragma once

#include "client/python/src/segment_object.h"

namespace memshare::python {

// Bytes that differ after each later change: a count, and from the eighth on the bits of a small value.
PyObject* version_method(SegmentObject& self, PyObject* arguments); // (timeout=None)

// wait(version or bytes of the value, whether it is a version, timeout): whether it is another one now.
PyObject* wait_method(SegmentObject& self, PyObject* arguments);

} // namespace memshare::python
