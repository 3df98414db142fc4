// Numbers from Python: its own, and all that have __index__(), as those of numpy.
#pragma once

#include "client/python/src/gil.h"

#include <cstdint>

namespace memshare::python {

// A number of 32 bits. Throws Told: it is none, or it does not fit.
inline std::uint32_t word_from(PyObject* number) {
    const Ref index(checked(in_python([&] { return PyNumber_Index(number); })));
    const unsigned long all = PyLong_AsUnsignedLong(index.get());
    if (PyErr_Occurred() != nullptr) {
        throw Told();
    }
    if (all > UINT32_MAX) {
        PyErr_Format(PyExc_OverflowError, "%lu does not fit in 32 bits", all);
        throw Told();
    }
    return static_cast<std::uint32_t>(all);
}

} // namespace memshare::python
