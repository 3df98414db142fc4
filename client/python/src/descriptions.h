// What a broker tells, as dictionaries, which the package makes its own classes of.
#pragma once

#include "client/python/src/python.h"
#include <memshare/segment_info.hpp>

#include <optional>
#include <string>

namespace memshare::python {

// Each throws Told. Of nothing it is None.
PyObject* dictionary_of(const SegmentInfo& info);
PyObject* dictionary_of(const AttachmentInfo& one);
PyObject* dictionary_of(const std::optional<ProcessInfo>& process);

// What one() makes of each of them.
PyObject* tuple_of(const auto& all, auto one) {
    Ref tuple(checked(PyTuple_New(static_cast<Py_ssize_t>(std::size(all)))));
    Py_ssize_t at = 0;
    for (const auto& item : all) {
        PyTuple_SET_ITEM(tuple.get(), at++, checked(one(item)));
    }
    return tuple.release();
}

// A memshare.DeadHolder; None, if nobody died. Throws Told.
PyObject* shown(const std::optional<DeadHolder>& dead);
int add_descriptions(PyObject* module);

PyObject* text(const std::string& words);
double seconds(Time time); // since 1970

} // namespace memshare::python
