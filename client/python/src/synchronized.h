// Values and arrays with their lock: the objects that multiprocessing calls Synchronized...
#pragma once

#include "client/python/src/python.h"

namespace memshare::python {

int add_synchronized_types(PyObject* module);

} // namespace memshare::python
