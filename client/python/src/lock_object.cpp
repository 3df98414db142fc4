#include "client/python/src/lock_object.h"

#include "client/python/src/descriptions.h"
#include "client/python/src/failure.h"
#include "client/python/src/locking.h"
#include "client/python/src/segment_type.h"
#include "client/python/src/sleep.h"

#include <array>

namespace memshare::python {
namespace {

PyTypeObject* type = nullptr;

struct LockObject {
    PyObject_HEAD SegmentObject* segment;
};

SegmentObject& segment_of(PyObject* lock) { return *reinterpret_cast<LockObject*>(lock)->segment; }

PyObject* acquire_it(PyObject* lock, PyObject* arguments, PyObject* keywords) {
    return acquire_method(segment_of(lock), arguments, keywords);
}
PyObject* release_it(PyObject* lock, PyObject* /*none*/) { return release_method(segment_of(lock)); }
PyObject* enter(PyObject* lock, PyObject* /*none*/) {
    return acquire(segment_of(lock)) ? Py_NewRef(Py_True) : nullptr;
}
PyObject* exit(PyObject* lock, PyObject* /*exception*/) { return exit_method(segment_of(lock)); }

PyObject* recovered(PyObject* lock, PyObject* /*none*/) {
    return guarded([&]() -> PyObject* {
        SegmentObject& self = segment_of(lock);
        if (self.is_readonly()) {
            return refuse_to_write();
        }
        share(self);
        std::optional<DeadHolder> dead;
        {
            const WithoutGil others_run;
            dead = self.mutex->recovered();
        }
        return shown(dead);
    });
}

PyObject* is_held(PyObject* lock, PyObject* /*none*/) {
    const SegmentObject& self = segment_of(lock);
    return PyBool_FromLong(!self.is_readonly() && self.mutex->is_held() ? 1 : 0);
}

PyObject* segment(PyObject* lock, void* /*closure*/) {
    return Py_NewRef(reinterpret_cast<PyObject*>(&segment_of(lock)));
}

void dealloc(PyObject* lock) {
    Py_XDECREF(reinterpret_cast<PyObject*>(reinterpret_cast<LockObject*>(lock)->segment));
    PyTypeObject* own = Py_TYPE(lock);
    own->tp_free(lock);
    Py_DECREF(own);
}

PyObject* refuse_copy(PyObject* /*lock*/, PyObject* /*memo*/) {
    PyErr_SetString(PyExc_TypeError, "a lock is not copied: hand the lock itself on");
    return nullptr;
}

std::array methods{
    PyMethodDef{"acquire", method(acquire_it), METH_VARARGS | METH_KEYWORDS,
                "acquire($self, /, block=True, timeout=None)\n--\n\n"
                "Waits for the lock, no longer than timeout seconds: whether this thread has it now."},
    PyMethodDef{"release", method(release_it), METH_NOARGS,
                "release($self, /)\n--\n\nTakes back one acquire(). AssertionError: this thread has it not."},
    PyMethodDef{"recovered", method(recovered), METH_NOARGS,
                "While this thread has it: who died having it, if it came from the dead."},
    PyMethodDef{"is_held", method(is_held), METH_NOARGS, "Whether this thread has it."},
    PyMethodDef{"__enter__", method(enter), METH_NOARGS, nullptr},
    PyMethodDef{"__exit__", method(exit), METH_VARARGS, nullptr},
    PyMethodDef{"__copy__", method(refuse_copy), METH_NOARGS, nullptr},
    PyMethodDef{"__deepcopy__", method(refuse_copy), METH_O, nullptr},
    PyMethodDef{nullptr, nullptr, 0, nullptr},
};

std::array properties{
    PyGetSetDef{"_segment", segment, nullptr, nullptr, nullptr},
    PyGetSetDef{nullptr, nullptr, nullptr, nullptr, nullptr},
};

std::array slots{
    PyType_Slot{Py_tp_dealloc, slot(dealloc)},
    PyType_Slot{Py_tp_methods, methods.data()},
    PyType_Slot{Py_tp_getset, properties.data()},
    PyType_Slot{0, nullptr},
};

PyType_Spec spec{"memshare._core.Lock", sizeof(LockObject), 0,
                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots.data()};

} // namespace

int add_lock_type(PyObject* module) {
    type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return type == nullptr ? -1 : PyModule_AddObjectRef(module, "Lock", reinterpret_cast<PyObject*>(type));
}

PyObject* lock_of(PyObject* /*module*/, PyObject* segment) {
    if (!is_segment(segment)) {
        return nullptr;
    }
    PyObject* lock = type->tp_alloc(type, 0);
    if (lock != nullptr) {
        reinterpret_cast<LockObject*>(lock)->segment = reinterpret_cast<SegmentObject*>(Py_NewRef(segment));
    }
    return lock;
}

PyObject* acquire_method(SegmentObject& self, PyObject* arguments, PyObject* keywords) {
    static constexpr std::array<const char*, 3> words{"block", "timeout", nullptr};
    return guarded([&]() -> PyObject* {
        int block = 1;
        PyObject* timeout = Py_None;
        if (PyArg_ParseTupleAndKeywords(arguments, keywords, "|pO", keywords_of(words), &block, &timeout) ==
            0) {
            return nullptr;
        }
        const detail::Deadline deadline = deadline_of(timeout);
        constexpr std::chrono::milliseconds without_blocking{
            100}; // of a forked child that the broker does not know
        try {
            make_sure_of(self, block != 0 ? deadline : detail::deadline_of(without_blocking));
        } catch (const Error& error) {
            if (block == 0 || !is_over(error, deadline)) {
                throw;
            }
            Py_RETURN_FALSE;
        }
        if (self.is_readonly()) {
            return refuse_to_write();
        }
        const bool has_it = self.mutex->try_lock() || (block != 0 && wait_for_lock(self, deadline));
        return PyBool_FromLong(has_it ? 1 : 0);
    });
}

PyObject* release_method(SegmentObject& self) {
    return guarded([&]() -> PyObject* {
        expect_no_orphan(self);
        if (self.is_readonly()) {
            return refuse_to_write();
        }
        if (!self.mutex->is_held()) {
            PyErr_SetString(PyExc_AssertionError, "this thread releases a lock that it has not");
            return nullptr;
        }
        self.mutex->unlock();
        Py_RETURN_NONE;
    });
}

PyObject* exit_method(SegmentObject& self) {
    return guarded([&]() -> PyObject* {
        notice_fork();
        if (self.is_orphan) {
            Py_RETURN_NONE;
        }
        if (self.is_readonly()) {
            return refuse_to_write();
        }
        self.mutex->unlock();
        Py_RETURN_NONE;
    });
}

} // namespace memshare::python
