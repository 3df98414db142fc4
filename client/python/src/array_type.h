// The type of arrays with a lock.
#pragma once

#include "client/python/src/python.h"

namespace memshare::python {

int add_array_type(PyObject* module, PyTypeObject* base);

} // namespace memshare::python
