#include "client/python/src/watch_object.h"

#include "client/python/src/failure.h"
#include "client/python/src/patience.h"
#include "client/python/src/segment_type.h"
#include "client/python/src/sleep.h"
#include <memshare/watch.hpp>

#include <array>

namespace memshare::python {
namespace {

PyTypeObject* type = nullptr;

struct WatchObject {
    PyObject_HEAD Watch* watch; // nothing once it is closed
};

WatchObject& as_watch(PyObject* object) { return *reinterpret_cast<WatchObject*>(object); }

PyObject* fileno(PyObject* object, PyObject* /*none*/) {
    const Watch* own = as_watch(object).watch;
    return own == nullptr ? refuse_closed() : PyLong_FromLong(own->descriptor());
}

PyObject* clear(PyObject* object, PyObject* /*none*/) {
    const Watch* own = as_watch(object).watch;
    if (own == nullptr) {
        return refuse_closed();
    }
    own->clear();
    Py_RETURN_NONE;
}

// Its thread may have to end, and the broker to be told that nobody has the segment any more.
void end(WatchObject& self) {
    if (const Watch* own = std::exchange(self.watch, nullptr); own != nullptr) {
        const WithoutGil others_run;
        delete own;
    }
}

PyObject* close(PyObject* object, PyObject* /*none*/) {
    end(as_watch(object));
    Py_RETURN_NONE;
}

PyObject* enter(PyObject* object, PyObject* /*none*/) { return Py_NewRef(object); }
PyObject* exit(PyObject* object, PyObject* /*exception*/) { return close(object, nullptr); }

void dealloc(PyObject* object) {
    end(as_watch(object));
    PyTypeObject* own = Py_TYPE(object);
    own->tp_free(object);
    Py_DECREF(own);
}

std::array methods{
    PyMethodDef{"fileno", method(fileno), METH_NOARGS, "Is readable once there has been a change."},
    PyMethodDef{"clear", method(clear), METH_NOARGS, "Makes it unreadable until the next change."},
    PyMethodDef{"close", method(close), METH_NOARGS, "Closes the descriptor."},
    PyMethodDef{"__enter__", method(enter), METH_NOARGS, nullptr},
    PyMethodDef{"__exit__", method(exit), METH_VARARGS, nullptr},
    PyMethodDef{nullptr, nullptr, 0, nullptr},
};

std::array slots{
    PyType_Slot{Py_tp_dealloc, slot(dealloc)},
    PyType_Slot{Py_tp_methods, methods.data()},
    PyType_Slot{0, nullptr},
};

PyType_Spec spec{"memshare._core.Watch", sizeof(WatchObject), 0,
                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots.data()};

} // namespace

int add_watch_type(PyObject* module) {
    type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return type == nullptr ? -1 : PyModule_AddObjectRef(module, "Watch", reinterpret_cast<PyObject*>(type));
}

PyObject* watch(PyObject* /*module*/, PyObject* segment) {
    return guarded([&]() -> PyObject* {
        if (!is_segment(segment)) {
            return nullptr;
        }
        SegmentObject& of = *reinterpret_cast<SegmentObject*>(segment);
        share(of);
        Ref made(checked(type->tp_alloc(type, 0)));
        const Sleeper user(of); // so that nobody takes the memory away
        patiently_without_gil([&] { as_watch(made.get()).watch = new Watch(*of.segment); });
        return made.release();
    });
}

} // namespace memshare::python
