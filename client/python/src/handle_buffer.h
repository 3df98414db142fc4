// The buffer of a handle: its elements with their type and dimensions; and what Python must not take for text
// in it.
#pragma once

#include "client/python/src/python.h"

namespace memshare::python {

// As Py_bf_getbuffer: -1: Python has been told.
int get_handle_buffer(PyObject* handle, Py_buffer* view, int flags);

// As Py_nb_int and Py_nb_float: TypeError. Without them int() and float() would read the bytes of the buffer
// as digits.
PyObject* refuse_int(PyObject* handle);
PyObject* refuse_float(PyObject* handle);

} // namespace memshare::python
