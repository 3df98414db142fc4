// Making and opening segments.
#pragma once

#include "client/python/src/python.h"

namespace memshare::python {

// The module's functions of these names.
PyObject* create(PyObject* module, PyObject* arguments, PyObject* keywords);
PyObject* open(PyObject* module, PyObject* arguments, PyObject* keywords);

} // namespace memshare::python
