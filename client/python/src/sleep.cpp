#include "client/python/src/sleep.h"

#include <cmath>

namespace memshare::python {

detail::Deadline deadline_of(PyObject* timeout) {
    if (timeout == Py_None) {
        return {};
    }
    const double seconds = in_python([&] { return PyFloat_AsDouble(timeout); });
    if (seconds == -1.0 && PyErr_Occurred() != nullptr) {
        throw Told();
    }
    if (std::isnan(seconds)) {
        PyErr_SetString(PyExc_ValueError, "a timeout is a number");
        throw Told();
    }
    return detail::deadline_of(std::chrono::duration<double>(std::max(seconds, 0.0)));
}

} // namespace memshare::python
