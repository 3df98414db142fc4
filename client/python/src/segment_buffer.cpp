#include "client/python/src/segment_buffer.h"

#include "client/python/src/element.h"

#include <vector>

namespace memshare::python {
namespace {

// The dimensions that a buffer has, and how far its elements are apart in each.
void lay_out(SegmentObject& self) {
    const SegmentInfo& info = self.info();
    std::vector<std::uint64_t> shape = info.shape;
    if (shape.empty() && info.form == Form::array) {
        shape = {info.count};
    }
    self.dimensions = static_cast<int>(shape.size());
    self.shape = new Py_ssize_t[2 * shape.size() + 1];
    auto stride = static_cast<Py_ssize_t>(info.element.size);
    for (std::size_t i = shape.size(); i-- > 0;) {
        self.shape[i] = static_cast<Py_ssize_t>(shape[i]);
        self.shape[shape.size() + i] = stride;
        stride *= self.shape[i];
    }
}

} // namespace

bool is_in_one_place(const SegmentInfo& info) {
    return info.form == Form::array || abi::stored_at_once(info.size_bytes);
}

int get_buffer(SegmentObject& self, Py_buffer* view, int flags) {
    view->obj = nullptr; // as long as it is none
    return guarded([&] {
        const SegmentInfo& info = self.info();
        if (!is_in_one_place(info)) {
            PyErr_SetString(PyExc_BufferError,
                            "a value of this size has two slots and no one place: load() copies it, and an "
                            "array of one is in one place");
            throw Told();
        }
        if ((flags & PyBUF_WRITABLE) != 0 && self.is_readonly()) {
            PyErr_SetString(PyExc_BufferError, "this is mapped read-only");
            throw Told();
        }
        share(self); // from here on it is written without the GIL
        if (self.shape == nullptr) {
            lay_out(self);
        }
        const bool wants_columns = (flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS &&
                                   (flags & PyBUF_C_CONTIGUOUS) != PyBUF_C_CONTIGUOUS &&
                                   (flags & PyBUF_ANY_CONTIGUOUS) != PyBUF_ANY_CONTIGUOUS;
        if (wants_columns && self.dimensions > 1) {
            PyErr_SetString(PyExc_BufferError, "this lies in memory row by row, as C has it");
            throw Told();
        }
        if (self.format == nullptr) {
            self.format = new std::string(format_of(info.element));
        }
        view->buf = self.place;
        view->len = static_cast<Py_ssize_t>(info.size_bytes);
        view->readonly = self.is_readonly() ? 1 : 0;
        view->itemsize = static_cast<Py_ssize_t>(info.element.size);
        view->format = (flags & PyBUF_FORMAT) != 0 ? self.format->data() : nullptr;
        view->ndim = self.dimensions;
        view->shape = (flags & PyBUF_ND) != 0 ? self.shape : nullptr;
        view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? self.shape + self.dimensions : nullptr;
        if ((flags & PyBUF_ND) == 0) {
            view->ndim = 1; // as it is one run of bytes to whoever asks so
        }
        view->suboffsets = nullptr;
        view->internal = nullptr;
        view->obj = Py_NewRef(reinterpret_cast<PyObject*>(&self));
        self.views += view->readonly == 0 ? 1 : 0;
        return 0;
    });
}

void release_buffer(SegmentObject& self, const Py_buffer& view) { self.views -= view.readonly == 0 ? 1 : 0; }

} // namespace memshare::python
