// What can be asked of the broker.
#pragma once

#include "client/python/src/python.h"

namespace memshare::python {

// The module's functions of these names.
PyObject* info(PyObject* module, PyObject* segment);
PyObject* list(PyObject* module, PyObject* pattern);
PyObject* describe(PyObject* module, PyObject* name_or_id);
PyObject* destroy(PyObject* module, PyObject* name_or_id);
PyObject* change(PyObject* module, PyObject* arguments);
PyObject* statistics(PyObject* module, PyObject* none);
PyObject* version(PyObject* module, PyObject* none);

} // namespace memshare::python
