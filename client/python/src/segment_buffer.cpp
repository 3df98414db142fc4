#include "client/python/src/segment_buffer.h"

#include <memory>

namespace memshare::python {
namespace {

// What a view points into as long as it lives.
struct ViewParts {
    Ref format;
    std::vector<Py_ssize_t> shape;
    std::vector<Py_ssize_t> strides;
};

ViewParts parts_of(BufferLayout layout) {
    ViewParts parts{.format = std::move(layout.format), .shape = std::move(layout.shape), .strides = {}};
    parts.strides.resize(parts.shape.size());
    Py_ssize_t stride = layout.item_size;
    for (std::size_t i = parts.shape.size(); i-- > 0;) {
        parts.strides[i] = stride;
        stride *= parts.shape[i];
    }
    return parts;
}

Py_ssize_t items_in(const std::vector<Py_ssize_t>& shape) {
    Py_ssize_t items = 1;
    for (const Py_ssize_t one : shape) {
        items *= one;
    }
    return items;
}

void refuse_buffer(const char* why) {
    PyErr_SetString(PyExc_BufferError, why);
    throw Told();
}

void expect_suitable(const SegmentObject& self, std::size_t dimensions, int flags) {
    if (!is_in_one_place(self.info())) {
        refuse_buffer(
            "a value of this size has two slots and no one place: load() copies it, and an array of "
            "one is in one place");
    }
    if ((flags & PyBUF_WRITABLE) != 0 && self.is_readonly()) {
        refuse_buffer("this is mapped read-only");
    }
    const bool wants_columns = (flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS &&
                               (flags & PyBUF_C_CONTIGUOUS) != PyBUF_C_CONTIGUOUS &&
                               (flags & PyBUF_ANY_CONTIGUOUS) != PyBUF_ANY_CONTIGUOUS;
    if (wants_columns && dimensions > 1) {
        refuse_buffer("this lies in memory row by row, as C has it");
    }
}

} // namespace

bool is_in_one_place(const SegmentInfo& info) {
    return info.form == Form::array || abi::stored_at_once(info.size_bytes);
}

int get_buffer(SegmentObject& self, BufferLayout layout, Py_buffer* view, int flags) {
    view->obj = nullptr; // as long as it is none
    return guarded([&] {
        expect_suitable(self, layout.shape.size(), flags);
        share(self); // from here on it is written without the GIL
        const Py_ssize_t item_size = layout.item_size;
        auto parts = std::make_unique<ViewParts>(parts_of(std::move(layout)));
        view->buf = self.place;
        view->len = item_size * items_in(parts->shape);
        view->readonly = self.is_readonly() ? 1 : 0;
        view->itemsize = item_size;
        view->format = nullptr;
        if ((flags & PyBUF_FORMAT) != 0 && parts->format) {
            view->format = PyBytes_AS_STRING(parts->format.get());
        }
        // Without a shape it is one run of bytes.
        view->ndim = (flags & PyBUF_ND) != 0 ? static_cast<int>(parts->shape.size()) : 1;
        view->shape = (flags & PyBUF_ND) != 0 ? parts->shape.data() : nullptr;
        view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? parts->strides.data() : nullptr;
        view->suboffsets = nullptr;
        view->internal = parts.release();
        view->obj = Py_NewRef(reinterpret_cast<PyObject*>(&self));
        self.views += view->readonly == 0 ? 1 : 0;
        return 0;
    });
}

int get_bytes_buffer(SegmentObject& self, Py_buffer* view, int flags) {
    return get_buffer(self, {.format = {}, .shape = {static_cast<Py_ssize_t>(self.info().size_bytes)}}, view,
                      flags);
}

void release_buffer(SegmentObject& self, const Py_buffer& view) {
    const std::unique_ptr<ViewParts> parts(static_cast<ViewParts*>(view.internal));
    self.views -= view.readonly == 0 ? 1 : 0;
}

} // namespace memshare::python
