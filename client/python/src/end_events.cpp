#include "client/python/src/end_events.h"

#include "client/python/src/gil.h"
#include <memshare/broker.hpp>

namespace memshare::python {
namespace {

bool called_with(PyObject* each, PyObject* argument) {
    const Ref goes_on(checked(in_python([&] { return PyObject_CallOneArg(each, argument); })));
    const int is_true = in_python([&] { return PyObject_IsTrue(goes_on.get()); });
    check(is_true);
    return is_true == 1;
}

// With the GIL held. Whether to go on. Throws Told.
bool tell(PyObject* each, const Event& event) {
    if ((event.kind == EventKind::ready || event.lost > 0) && !called_with(each, Py_None)) {
        return false;
    }
    if (event.kind != EventKind::ended || !event.segment) {
        return true;
    }
    const Ref id(checked(PyUnicode_FromString(event.segment->id.c_str())));
    return called_with(each, id.get());
}

} // namespace

PyObject* watch_ends(PyObject* /*module*/, PyObject* each) {
    return guarded([&]() -> PyObject* {
        WithoutGil others_run;
        Broker::local().watch("*", [&](const Event& event) {
            const bool matters =
                event.kind == EventKind::ready || event.kind == EventKind::ended || event.lost > 0;
            return !matters || others_run.with_gil([&] { return tell(each, event); });
        });
        Py_RETURN_NONE;
    });
}

} // namespace memshare::python
