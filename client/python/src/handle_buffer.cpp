// The buffer of a handle.
#include "client/python/src/handle.h"
#include "client/python/src/segment_buffer.h"

namespace memshare::python {
namespace {

// The dimensions outside of an element. A handle of a part of the memory has no more than its own length.
std::vector<Py_ssize_t> outer_shape(const Use& use, const Handle& handle) {
    const SegmentInfo& info = use.segment().info();
    if (handle.is_single) {
        return {};
    }
    if (!info.shape.empty() && use.ready().length == static_cast<Py_ssize_t>(info.count)) {
        return {info.shape.begin(), info.shape.end()};
    }
    return {use.ready().length};
}

// The package knows the ctypes type: _layout() is the format of the innermost items, and the dimensions of
// one element, which is an array or undescribed bytes. Throws Told.
BufferLayout layout_of(const Use& use, PyObject* object) {
    const Ref told = call_method(object, "_layout");
    if (!told) {
        throw Told();
    }
    PyObject* format = nullptr;
    PyObject* dimensions = nullptr;
    if (PyArg_ParseTuple(told.get(), "SO!", &format, &PyTuple_Type, &dimensions) == 0) {
        throw Told();
    }
    BufferLayout layout{.format = Ref::to(format),
                        .shape = outer_shape(use, as_handle(object)),
                        .item_size = use.ready().size};
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(dimensions); ++i) {
        const Py_ssize_t length = PyLong_AsSsize_t(PyTuple_GET_ITEM(dimensions, i));
        if (length <= 0) {
            PyErr_SetString(PyExc_BufferError, "elements without bytes have no buffer");
            throw Told();
        }
        layout.shape.push_back(length);
        layout.item_size /= length;
    }
    return layout;
}

} // namespace

PyObject* refuse_int(PyObject* handle) {
    return PyErr_Format(PyExc_TypeError, "int() takes no '%s': take its .value, or an element",
                        Py_TYPE(handle)->tp_name);
}

PyObject* refuse_float(PyObject* handle) {
    return PyErr_Format(PyExc_TypeError, "float() takes no '%s': take its .value, or an element",
                        Py_TYPE(handle)->tp_name);
}

int get_handle_buffer(PyObject* handle, Py_buffer* view, int flags) {
    view->obj = nullptr;
    const Use use(as_handle(handle));
    if (!use) {
        return -1;
    }
    return guarded([&] { return get_buffer(use.segment(), layout_of(use, handle), view, flags); });
}

} // namespace memshare::python
