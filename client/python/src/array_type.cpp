#include "client/python/src/array_type.h"

#include "client/python/src/array_slice.h"
#include "client/python/src/element_access.h"

#include <array>

namespace memshare::python {
namespace {

Py_ssize_t length(PyObject* object) { return as_handle(object).ready->length; }

// Nothing: Python has been told.
std::byte* place_of(const Use& use, Py_ssize_t index) {
    const Ready& ready = use.ready();
    const Py_ssize_t from_start = index < 0 ? index + ready.length : index;
    if (from_start < 0 || from_start >= ready.length) {
        PyErr_SetString(PyExc_IndexError, "invalid index");
        return nullptr;
    }
    return ready.place + from_start * ready.size;
}

std::byte* place_at(const Use& use, PyObject* index) {
    const Py_ssize_t at = in_python([&] { return PyNumber_AsSsize_t(index, PyExc_IndexError); });
    return at == -1 && PyErr_Occurred() != nullptr ? nullptr : place_of(use, at);
}

// --- items, in the lock ---

PyObject* subscript(PyObject* object, PyObject* key) {
    const Use use(as_handle(object));
    if (!use) {
        return nullptr;
    }
    if (PySlice_Check(key)) {
        return get_slice(use, object, key);
    }
    if (PyIndex_Check(key) == 0 || use.ready().kind == ElementKind::structure) {
        return got_by_ctypes(use, object, key);
    }
    std::byte* place = place_at(use, key);
    return place == nullptr ? nullptr : get_element(use, place);
}

int set_subscript(PyObject* object, PyObject* key, PyObject* from) {
    const Use use(as_handle(object));
    if (from == nullptr) {
        PyErr_SetString(PyExc_AttributeError, "what an array has cannot be deleted");
        return -1;
    }
    if (!use) {
        return -1;
    }
    if (PySlice_Check(key)) {
        return set_slice(use, object, key, from);
    }
    Bits bits;
    if (PyIndex_Check(key) == 0 || !plainly_taken(use.ready().kind, from, bits)) {
        return set_by_ctypes(use, object, key, from);
    }
    std::byte* place = place_at(use, key);
    if (place == nullptr || !set_element(use, place, bits)) {
        return -1;
    }
    use.notify_all();
    return 0;
}

// As iterators ask, which count by themselves.
PyObject* item(PyObject* object, Py_ssize_t index) {
    const Use use(as_handle(object));
    if (!use) {
        return nullptr;
    }
    if (use.ready().kind == ElementKind::structure) {
        const Ref key(PyLong_FromSsize_t(index));
        return key ? got_by_ctypes(use, object, key.get()) : nullptr;
    }
    std::byte* place = place_of(use, index);
    return place == nullptr ? nullptr : get_element(use, place);
}

// --- elements, without the lock ---

std::byte* atomic_at(const Use& use, PyObject* index) {
    if (!use) {
        return nullptr;
    }
    if (use.ready().kind == ElementKind::structure) {
        PyErr_SetString(PyExc_TypeError, "an element that is a structure is no atomic");
        return nullptr;
    }
    return place_at(use, index);
}

PyObject* load(PyObject* object, PyObject* index) {
    const Use use(as_handle(object));
    std::byte* place = atomic_at(use, index);
    return place == nullptr ? nullptr : load_element(use, place);
}

PyObject* store(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
    const Use use(as_handle(object));
    std::byte* place = has_arguments(count, 2) ? atomic_at(use, arguments[0]) : nullptr;
    if (place == nullptr || !store_element(use, place, arguments[1])) {
        return nullptr;
    }
    use.notify_all();
    Py_RETURN_NONE;
}

PyObject* change(PyObject* object, PyObject* const* arguments, Py_ssize_t count, auto how) {
    const Use use(as_handle(object));
    std::byte* place = has_arguments(count, 2) ? atomic_at(use, arguments[0]) : nullptr;
    const auto before = place == nullptr ? std::nullopt : how(use, place, arguments[1]);
    if (before) {
        use.notify_all();
    }
    return shown_if(use, before);
}
PyObject* exchange(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
    return change(object, arguments, count, exchanged);
}
PyObject* add(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
    return change(object, arguments, count, added);
}

PyObject* compare_exchange(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
    const Use use(as_handle(object));
    std::byte* place = has_arguments(count, 3) ? atomic_at(use, arguments[0]) : nullptr;
    if (place == nullptr) {
        return nullptr;
    }
    const int done = compared_exchanged(use, place, arguments[1], arguments[2]);
    if (done > 0) {
        use.notify_all();
    }
    return done < 0 ? nullptr : PyBool_FromLong(done);
}

std::array methods{
    PyMethodDef{"load", method(load), METH_O, "load($self, index, /)\n--\n\nAn element, without the lock."},
    PyMethodDef{"store", method(store), METH_FASTCALL,
                "store($self, index, value, /)\n--\n\nStores an element, without the lock."},
    PyMethodDef{"exchange", method(exchange), METH_FASTCALL,
                "exchange($self, index, value, /)\n--\n\nStores an element, and returns the one before."},
    PyMethodDef{"add", method(add), METH_FASTCALL,
                "add($self, index, by, /)\n--\n\n"
                "Adds to an element, as one step, and returns what was before."},
    PyMethodDef{"compare_exchange", method(compare_exchange), METH_FASTCALL,
                "compare_exchange($self, index, expected, desired, /)\n--\n\n"
                "Stores `desired` if the element is `expected`: whether it was."},
    PyMethodDef{nullptr, nullptr, 0, nullptr},
};

std::array slots{
    PyType_Slot{Py_tp_methods, methods.data()},
    PyType_Slot{Py_mp_length, slot(length)},
    PyType_Slot{Py_mp_subscript, slot(subscript)},
    PyType_Slot{Py_mp_ass_subscript, slot(set_subscript)},
    PyType_Slot{Py_sq_length, slot(length)},
    PyType_Slot{Py_sq_item, slot(item)},
    PyType_Slot{0, nullptr},
};

PyType_Spec spec{"memshare._core.Array", sizeof(Handle), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                 slots.data()};

} // namespace

int add_array_type(PyObject* module, PyTypeObject* base) {
    const Ref type(PyType_FromSpecWithBases(&spec, reinterpret_cast<PyObject*>(base)));
    return type ? PyModule_AddObjectRef(module, "Array", type.get()) : -1;
}

} // namespace memshare::python
