// Hearing from the broker that segments have ended.
#pragma once

#include "client/python/src/python.h"

namespace memshare::python {

// watch_ends(each): waits on a connection of its own, without the GIL, and calls each(id) for every named
// segment that ends, of those that this process may read; and each(None) when others may have ended unheard,
// first when it begins. Returns when each() says false. Error: no broker is there, or it has gone.
PyObject* watch_ends(PyObject* module, PyObject* each);

} // namespace memshare::python
