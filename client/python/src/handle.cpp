#include "client/python/src/handle.h"

#include "client/python/src/lock_object.h"
#include "client/python/src/segment_type.h"

#include <array>
#include <new>
#include <utility>

namespace memshare::python {
namespace {

PyObject* make(PyTypeObject* own, PyObject* arguments, PyObject* /*keywords*/) {
    PyObject* segment = nullptr;
    PyObject* type = nullptr;
    PyObject* lock = nullptr;
    Py_ssize_t length = -1;
    if (PyArg_ParseTuple(arguments, "O!OO|n", segment_type(), &segment, &type, &lock, &length) == 0) {
        return nullptr;
    }
    PyObject* made = own->tp_alloc(own, 0);
    if (made != nullptr) {
        Handle& self = as_handle(made);
        self.segment = reinterpret_cast<SegmentObject*>(Py_NewRef(segment));
        self.type = Py_NewRef(type);
        self.user_lock = lock == Py_None ? nullptr : Py_NewRef(lock);
        self.is_single = length < 0;
        const SegmentInfo& info = self.segment->info();
        new (&self.ready) std::optional(Ready{
            .place = self.segment->place,
            .kind = info.element.kind,
            .changes = self.segment->segment->changes(),
            .size = static_cast<Py_ssize_t>(info.element.size),
            .length = length < 0 || length > static_cast<Py_ssize_t>(info.count)
                          ? static_cast<Py_ssize_t>(info.count)
                          : length,
        });
    }
    return made;
}

void let_go(Handle& self) {
    PyObject* segment = reinterpret_cast<PyObject*>(std::exchange(self.segment, nullptr));
    Py_XDECREF(segment);
}

int traverse(PyObject* object, visitproc visit, void* arg) {
    const Handle& self = as_handle(object);
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self.type);
    Py_VISIT(self.user_lock);
    Py_VISIT(self.lock);
    Py_VISIT(self.object);
    return 0;
}

// Not its type, which every operation counts on: what holds a handle by that, the type itself lets go of.
int clear(PyObject* object) {
    Handle& self = as_handle(object);
    Py_CLEAR(self.user_lock);
    Py_CLEAR(self.lock);
    Py_CLEAR(self.object);
    return 0;
}

void dealloc(PyObject* object) {
    PyObject_GC_UnTrack(object);
    Handle& self = as_handle(object);
    if (self.weakrefs != nullptr) {
        PyObject_ClearWeakRefs(object);
    }
    clear(object);
    let_go(self);
    Py_CLEAR(self.type);
    PyTypeObject* own = Py_TYPE(object);
    own->tp_free(object);
    Py_DECREF(own);
}

PyObject* get_lock(PyObject* object, PyObject* /*none*/) {
    Handle& self = as_handle(object);
    if (self.user_lock != nullptr) {
        return Py_NewRef(self.user_lock);
    }
    const Use use(self);
    if (!use || !use.is_writable()) {
        return nullptr;
    }
    if (self.lock == nullptr) {
        self.lock = lock_of(nullptr, reinterpret_cast<PyObject*>(&use.segment()));
    }
    return Py_XNewRef(self.lock);
}

// It is in the lock, and needs the segment to leave it, also if it was closed while it waited.
void count_in(Handle& self, const Use& use) {
    ++self.entered;
    if (self.segment == nullptr) {
        self.segment =
            reinterpret_cast<SegmentObject*>(Py_NewRef(reinterpret_cast<PyObject*>(&use.segment())));
    }
}

PyObject* acquire_it(PyObject* object, PyObject* arguments, PyObject* keywords) {
    Handle& self = as_handle(object);
    if (self.user_lock != nullptr) {
        const Ref own(PyObject_GetAttrString(self.user_lock, "acquire"));
        return own ? in_python([&] { return PyObject_Call(own.get(), arguments, keywords); }) : nullptr;
    }
    const Use use(self);
    PyObject* has_it = use ? acquire_method(use.segment(), arguments, keywords) : nullptr;
    if (has_it == Py_True) {
        count_in(self, use);
    }
    return has_it;
}

// The segment's own lock is given back also by a handle that was closed in it, by release(segment).
PyObject* leave_by(Handle& self, PyObject* (*release)(SegmentObject&)) {
    PyObject* released = release(*self.segment);
    if (released != nullptr && self.entered > 0) {
        --self.entered;
    }
    if (self.is_closed && self.entered == 0) {
        let_go(self);
    }
    return released;
}

PyObject* release_it(PyObject* object, PyObject* /*none*/) {
    Handle& self = as_handle(object);
    if (self.user_lock != nullptr) {
        return call_method(self.user_lock, "release").release();
    }
    return self.segment == nullptr ? refuse_closed() : leave_by(self, release_method);
}

PyObject* enter_it(PyObject* object, PyObject* /*none*/) {
    Handle& self = as_handle(object);
    if (self.user_lock != nullptr) {
        return call_method(self.user_lock, "__enter__").release();
    }
    const Use use(self);
    if (!use || !acquire(use.segment())) {
        return nullptr;
    }
    count_in(self, use);
    Py_RETURN_TRUE;
}

PyObject* exit_it(PyObject* object, PyObject* exception) {
    Handle& self = as_handle(object);
    if (self.user_lock != nullptr) {
        const Ref own(PyObject_GetAttrString(self.user_lock, "__exit__"));
        return own ? in_python([&] { return PyObject_CallObject(own.get(), exception); }) : nullptr;
    }
    if (self.segment == nullptr) { // it was closed, when nobody had the lock any more
        Py_RETURN_NONE;
    }
    return leave_by(self, exit_method);
}

PyObject* close(PyObject* object, PyObject* /*none*/) {
    Handle& self = as_handle(object);
    self.is_closed = true;
    Py_CLEAR(self.object);
    Py_CLEAR(self.lock);
    if (self.segment != nullptr && !is_locked(*self.segment)) {
        self.entered = 0; // it was unlocked by another object
    }
    if (self.entered == 0) {
        let_go(self);
    }
    Py_RETURN_NONE;
}

// What get_obj() has given is a view that can write, which only its user may still need.
PyObject* freeze(PyObject* object, PyObject* /*none*/) {
    Handle& self = as_handle(object);
    const Use use(self);
    if (!use) {
        return nullptr;
    }
    Py_CLEAR(self.object);
    return call_method(reinterpret_cast<PyObject*>(&use.segment()), "freeze").release();
}

PyObject* segment(PyObject* object, void* /*closure*/) {
    const Use use(as_handle(object));
    return use ? Py_NewRef(reinterpret_cast<PyObject*>(&use.segment())) : nullptr;
}
PyObject* type_of(PyObject* object, void* /*closure*/) { return Py_NewRef(as_handle(object).type); }
PyObject* user_lock(PyObject* object, void* /*closure*/) {
    PyObject* lock = as_handle(object).user_lock;
    return Py_NewRef(lock == nullptr ? Py_None : lock);
}
PyObject* closed(PyObject* object, void* /*closure*/) {
    return PyBool_FromLong(as_handle(object).is_closed ? 1 : 0);
}

std::array methods{
    PyMethodDef{"acquire", method(acquire_it), METH_VARARGS | METH_KEYWORDS,
                "acquire($self, /, block=True, timeout=None)\n--\n\nThat of get_lock()."},
    PyMethodDef{"release", method(release_it), METH_NOARGS, "release($self, /)\n--\n\nThat of get_lock()."},
    PyMethodDef{"__enter__", method(enter_it), METH_NOARGS, nullptr},
    PyMethodDef{"__exit__", method(exit_it), METH_VARARGS, nullptr},
    PyMethodDef{"get_lock", method(get_lock), METH_NOARGS,
                "get_lock($self, /)\n--\n\nIts lock, always the same object."},
    PyMethodDef{"get_obj", method(get_obj), METH_NOARGS,
                "get_obj($self, /)\n--\n\nThe ctypes object inside, to be used in the lock."},
    PyMethodDef{"freeze", method(freeze), METH_NOARGS,
                "freeze($self, /)\n--\n\n"
                "Ends all writing to it, by anybody and for ever. Busy: somebody can still write to it, by a "
                "view of this process's or from another one."},
    PyMethodDef{
        "close", method(close), METH_NOARGS,
        "close($self, /)\n--\n\nLets go of the memory, which stays as long as there are views of it."},
    PyMethodDef{nullptr, nullptr, 0, nullptr},
};

std::array properties{
    PyGetSetDef{"_segment", segment, nullptr, nullptr, nullptr},
    PyGetSetDef{"_type", type_of, nullptr, nullptr, nullptr},
    PyGetSetDef{"_user_lock", user_lock, nullptr, nullptr, nullptr},
    PyGetSetDef{"closed", closed, nullptr, "Whether close() has been called.", nullptr},
    PyGetSetDef{nullptr, nullptr, nullptr, nullptr, nullptr},
};

std::array members{
    PyMemberDef{"__weaklistoffset__", T_PYSSIZET, offsetof(Handle, weakrefs), READONLY, nullptr},
    PyMemberDef{nullptr, 0, 0, 0, nullptr},
};

std::array slots{
    PyType_Slot{Py_tp_new, slot(make)},
    PyType_Slot{Py_tp_traverse, slot(traverse)},
    PyType_Slot{Py_tp_clear, slot(clear)},
    PyType_Slot{Py_tp_dealloc, slot(dealloc)},
    PyType_Slot{Py_tp_methods, methods.data()},
    PyType_Slot{Py_tp_getset, properties.data()},
    PyType_Slot{Py_tp_members, members.data()},
    PyType_Slot{Py_nb_int, slot(refuse_int)},
    PyType_Slot{Py_nb_float, slot(refuse_float)},
    PyType_Slot{Py_bf_getbuffer, slot(get_handle_buffer)},
    PyType_Slot{0, nullptr},
};

PyType_Spec spec{"memshare._core.SynchronizedBase", sizeof(Handle), 0,
                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots.data()};

} // namespace

PyObject* get_obj(PyObject* handle, PyObject* /*none*/) {
    Handle& self = as_handle(handle);
    const Use use(self);
    if (!use) {
        return nullptr;
    }
    if (use.segment().is_readonly()) {
        PyErr_SetString(PyExc_PermissionError,
                        "a ctypes object can be written, and this is read-only: see it by "
                        "its items, numpy or a memoryview");
        return nullptr;
    }
    if (self.object == nullptr) {
        Ref made = call_method(handle, "_make_obj");
        if (!made || self.is_closed) {
            return made.release();
        }
        if (self.object == nullptr) { // another thread may have been sooner
            self.object = made.release();
        }
    }
    return Py_NewRef(self.object);
}

PyTypeObject* add_handle_type(PyObject* module) {
    auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    const bool added = type != nullptr && PyModule_AddObjectRef(module, "SynchronizedBase",
                                                                reinterpret_cast<PyObject*>(type)) == 0;
    return added ? type : nullptr;
}

} // namespace memshare::python
