#include "client/python/src/element_access.h"

namespace memshare::python {
namespace {

template <typename T> detail::AtOnce<T> at_once(std::byte* place) { return detail::AtOnce<T>(place); }

bool takes(const Use& use, PyObject* from, Bits& bits) {
    return taken(use.ready().kind, use.type(), from, bits);
}

} // namespace

PyObject* load_element(const Use& use, std::byte* place) {
    const Bits bits = with_type(use.ready().kind,
                                [&]<typename T>(T /*type*/) { return bits_of(at_once<T>(place).load()); });
    return shown(use.ready().kind, bits);
}

bool store_element(const Use& use, std::byte* place, PyObject* from) {
    Bits bits;
    if (!takes(use, from, bits) || !use.is_writable()) {
        return false;
    }
    with_type(use.ready().kind, [&]<typename T>(T /*type*/) { at_once<T>(place).store(value_of<T>(bits)); });
    return true;
}

std::optional<Bits> exchanged(const Use& use, std::byte* place, PyObject* from) {
    Bits bits;
    if (!takes(use, from, bits) || !use.is_writable()) {
        return {};
    }
    return with_type(use.ready().kind, [&]<typename T>(T /*type*/) {
        return bits_of(at_once<T>(place).exchange(value_of<T>(bits)));
    });
}

std::optional<Bits> added(const Use& use, std::byte* place, PyObject* from) {
    Bits bits;
    if (!is_number(use.ready().kind)) {
        PyErr_SetString(PyExc_TypeError, "only numbers can be added");
        return {};
    }
    if (!takes(use, from, bits) || !use.is_writable()) {
        return {};
    }
    return with_type(use.ready().kind, [&]<typename T>(T /*type*/) {
        return bits_of(at_once<T>(place).fetch_add(value_of<T>(bits)));
    });
}

int compared_exchanged(const Use& use, std::byte* place, PyObject* expected, PyObject* desired) {
    Bits old;
    Bits next;
    if (!takes(use, expected, old) || !takes(use, desired, next) || !use.is_writable()) {
        return -1;
    }
    return with_type(use.ready().kind, [&]<typename T>(T /*type*/) {
        T seen = value_of<T>(old);
        return at_once<T>(place).compare_exchange(seen, value_of<T>(next)) ? 1 : 0;
    });
}

bool has_arguments(Py_ssize_t has, Py_ssize_t needs) {
    if (has != needs) {
        PyErr_Format(PyExc_TypeError, "this takes %zd arguments, not %zd", needs, has);
    }
    return has == needs;
}

} // namespace memshare::python
