#include "client/python/src/value_type.h"

#include "client/python/src/element_access.h"

#include <array>

namespace memshare::python {
namespace {

PyObject* value_word = nullptr; // "value", interned

bool has_value(const Use& use) {
    if (use && use.ready().kind == ElementKind::structure) {
        PyErr_SetString(PyExc_AttributeError, "a structure has no value, but fields");
        return false;
    }
    return static_cast<bool>(use);
}

PyObject* value(PyObject* object, void* /*closure*/) {
    const Use use(as_handle(object));
    return has_value(use) ? get_element(use, use.ready().place) : nullptr;
}

int set_value(PyObject* object, PyObject* from, void* /*closure*/) {
    const Use use(as_handle(object));
    if (from == nullptr) {
        PyErr_SetString(PyExc_AttributeError, "a value cannot be deleted");
        return -1;
    }
    Bits bits;
    if (!has_value(use) || !taken(use.ready().kind, use.type(), from, bits) ||
        !set_element(use, use.ready().place, bits)) {
        return -1;
    }
    use.announce();
    return 0;
}

// Sooner than through the dictionaries of the types, which is what each access would else take longest for.
PyObject* get_attribute(PyObject* object, PyObject* name) {
    return name == value_word ? value(object, nullptr) : PyObject_GenericGetAttr(object, name);
}
int set_attribute(PyObject* object, PyObject* name, PyObject* from) {
    return name == value_word ? set_value(object, from, nullptr)
                              : PyObject_GenericSetAttr(object, name, from);
}

PyObject* load(PyObject* object, PyObject* /*none*/) {
    const Use use(as_handle(object));
    return has_value(use) ? load_element(use, use.ready().place) : nullptr;
}

PyObject* store(PyObject* object, PyObject* from) {
    const Use use(as_handle(object));
    if (!has_value(use) || !store_element(use, use.ready().place, from)) {
        return nullptr;
    }
    use.announce();
    Py_RETURN_NONE;
}

PyObject* change(PyObject* object, PyObject* from, auto how) {
    const Use use(as_handle(object));
    const auto before = has_value(use) ? how(use, use.ready().place, from) : std::nullopt;
    if (before) {
        use.announce();
    }
    return shown_if(use, before);
}
PyObject* exchange(PyObject* object, PyObject* from) { return change(object, from, exchanged); }
PyObject* add(PyObject* object, PyObject* by) { return change(object, by, added); }

PyObject* compare_exchange(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
    const Use use(as_handle(object));
    if (!has_value(use) || !has_arguments(count, 2)) {
        return nullptr;
    }
    const int done = compared_exchanged(use, use.ready().place, arguments[0], arguments[1]);
    if (done > 0) {
        use.announce();
    }
    return done < 0 ? nullptr : PyBool_FromLong(done);
}

std::array methods{
    PyMethodDef{"load", method(load), METH_NOARGS, "load($self, /)\n--\n\nThe value, without the lock."},
    PyMethodDef{"store", method(store), METH_O,
                "store($self, value, /)\n--\n\nStores a value, without the lock."},
    PyMethodDef{"exchange", method(exchange), METH_O,
                "exchange($self, value, /)\n--\n\nStores a value, and returns the one before."},
    PyMethodDef{"add", method(add), METH_O,
                "add($self, by, /)\n--\n\nAdds, as one step, and returns what was before."},
    PyMethodDef{"compare_exchange", method(compare_exchange), METH_FASTCALL,
                "compare_exchange($self, expected, desired, /)\n--\n\n"
                "Stores `desired` if the value is `expected`: whether it was."},
    PyMethodDef{nullptr, nullptr, 0, nullptr},
};

std::array properties{
    PyGetSetDef{"value", value, set_value, "The value, in the lock.", nullptr},
    PyGetSetDef{nullptr, nullptr, nullptr, nullptr, nullptr},
};

std::array slots{
    PyType_Slot{Py_tp_methods, methods.data()},
    PyType_Slot{Py_tp_getset, properties.data()},
    PyType_Slot{Py_tp_getattro, slot(get_attribute)},
    PyType_Slot{Py_tp_setattro, slot(set_attribute)},
    PyType_Slot{0, nullptr},
};

PyType_Spec spec{"memshare._core.Value", sizeof(Handle), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                 slots.data()};

} // namespace

int add_value_type(PyObject* module, PyTypeObject* base) {
    value_word = PyUnicode_InternFromString("value");
    const Ref type(PyType_FromSpecWithBases(&spec, reinterpret_cast<PyObject*>(base)));
    return value_word != nullptr && type ? PyModule_AddObjectRef(module, "Value", type.get()) : -1;
}

} // namespace memshare::python
