// The exceptions that Python sees.
#pragma once

#include "client/python/src/python.h"

namespace memshare::python {

// Makes memshare.Error and what is derived from it, and adds them to the module.
int add_exceptions(PyObject* module);

// What can be read only is not written, nor locked: tells Python, and returns nullptr.
PyObject* refuse_to_write();

// Of a handle that was closed.
PyObject* refuse_closed();

} // namespace memshare::python
