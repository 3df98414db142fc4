// Whole slices of an array, and whatever else is left to the rules of ctypes arrays.
#pragma once

#include "client/python/src/handle.h"

namespace memshare::python {

// Each is in the lock, and tells who waits. Nothing and -1: Python has been told.
PyObject* get_slice(const Use& use, PyObject* array, PyObject* slice);
int set_slice(const Use& use, PyObject* array, PyObject* slice, PyObject* from);

// By the rules of the ctypes array, which get_obj(array) is.
PyObject* got_by_ctypes(const Use& use, PyObject* array, PyObject* key);
int set_by_ctypes(const Use& use, PyObject* array, PyObject* key, PyObject* from);

} // namespace memshare::python
