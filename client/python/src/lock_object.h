// The lock of a segment, with the interface of multiprocessing.RLock.
#pragma once

#include "client/python/src/segment_object.h"

namespace memshare::python {

int add_lock_type(PyObject* module);

// The module's function `lock`: a new lock object of a segment's lock.
PyObject* lock_of(PyObject* module, PyObject* segment);

// As the methods acquire(block=True, timeout=None) and release() do; for every object that has this lock.
PyObject* acquire_method(SegmentObject& self, PyObject* arguments, PyObject* keywords);
PyObject* release_method(SegmentObject& self);

// The end of a `with` block. In a forked child it may be a block that its parent has entered.
PyObject* exit_method(SegmentObject& self);

} // namespace memshare::python
