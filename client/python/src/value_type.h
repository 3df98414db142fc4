// The type of values with a lock.
#pragma once

#include "client/python/src/python.h"

namespace memshare::python {

int add_value_type(PyObject* module, PyTypeObject* base);

} // namespace memshare::python
