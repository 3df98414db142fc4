#include "client/python/src/array_slice.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace memshare::python {
namespace {

struct Range {
    Py_ssize_t start = 0, stop = 0, step = 0, count = 0;

    // False: Python has been told.
    bool read(PyObject* slice, Py_ssize_t length) {
        if (in_python([&] { return PySlice_Unpack(slice, &start, &stop, &step); }) < 0) {
            return false;
        }
        count = PySlice_AdjustIndices(length, &start, &stop, step);
        return true;
    }
};

PyObject* list_of(const Ready& ready, const Range& range) {
    Ref items(PyList_New(range.count));
    for (Py_ssize_t i = 0; items && i < range.count; ++i) {
        std::byte* place = ready.place + (range.start + i * range.step) * ready.size;
        PyObject* item = shown(ready.kind, read(ready.kind, place));
        PyList_SET_ITEM(items.get(), i, item);
        items = item == nullptr ? Ref() : std::move(items);
    }
    return items.release();
}

// The elements of a list or a tuple, as they will lie in memory. False, if they are not plainly numbers, or
// there are not so many; then nobody has been told anything. No Python code runs meanwhile, so they stay.
bool plain_numbers(const Ready& ready, PyObject* from, Py_ssize_t count, std::vector<std::byte>& bytes) {
    if ((!PyList_CheckExact(from) && !PyTuple_CheckExact(from)) || PySequence_Fast_GET_SIZE(from) != count ||
        !is_number(ready.kind)) {
        return false;
    }
    bytes.resize(static_cast<std::size_t>(count * ready.size));
    PyObject** items = PySequence_Fast_ITEMS(from);
    for (Py_ssize_t i = 0; i < count; ++i) {
        Bits bits;
        if (!plainly_taken(ready.kind, items[i], bits)) {
            return false;
        }
        std::memcpy(bytes.data() + i * ready.size, bits.bytes, static_cast<std::size_t>(ready.size));
    }
    return true;
}

// The same of what has a buffer of just such elements: numpy arrays, array.array, bytes for characters.
bool plain_buffer(const Ready& ready, PyObject* from, Py_ssize_t count, std::vector<std::byte>& bytes) {
    const char format = format_of(ready.kind);
    if (PyObject_CheckBuffer(from) == 0 || format == 0) {
        return false;
    }
    Py_buffer view{};
    const int flags = PyBUF_FORMAT | PyBUF_C_CONTIGUOUS;
    if (in_python([&] { return PyObject_GetBuffer(from, &view, flags); }) < 0) {
        PyErr_Clear();
        return false;
    }
    std::string_view theirs = view.format == nullptr ? "B" : view.format;
    theirs.remove_prefix(theirs.starts_with('<') || theirs.starts_with('@') || theirs.starts_with('=') ? 1
                                                                                                       : 0);
    const bool same_size = view.itemsize == ready.size && view.ndim == 1 && view.len == count * ready.size;
    const bool same =
        same_size && (theirs == std::string_view(&format, 1) || (PyBytes_CheckExact(from) && format == 'c'));
    if (same) {
        const auto* start = static_cast<const std::byte*>(view.buf);
        bytes.assign(start, start + view.len);
    }
    PyBuffer_Release(&view);
    return same;
}

} // namespace

PyObject* got_by_ctypes(const Use& use, PyObject* array, PyObject* key) {
    if (use.segment().is_readonly()) {
        return in_python([&] { return PyObject_CallMethod(array, "_get_readonly", "O", key); });
    }
    const Ref own(get_obj(array, nullptr));
    if (!own || !use.enter()) {
        return nullptr;
    }
    Ref item(in_python([&] { return PyObject_GetItem(own.get(), key); }));
    return use.leave() ? item.release() : nullptr;
}

int set_by_ctypes(const Use& use, PyObject* array, PyObject* key, PyObject* from) {
    const Ref own(use.is_writable() ? get_obj(array, nullptr) : nullptr);
    if (!own || !use.enter_to_write()) {
        return -1;
    }
    const Ref done(in_python([&] { return PyObject_CallMethod(array, "_set_item", "OO", key, from); }));
    if (!use.leave() || !done) {
        return -1;
    }
    use.notify_all();
    return 0;
}

PyObject* get_slice(const Use& use, PyObject* array, PyObject* slice) {
    const Ready& ready = use.ready();
    Range range;
    if (!range.read(slice, ready.length)) {
        return nullptr;
    }
    if (ready.kind == ElementKind::structure || ready.kind == ElementKind::wide_character ||
        (ready.kind == ElementKind::character && range.step != 1)) {
        return got_by_ctypes(use, array, slice);
    }
    if (!use.enter()) {
        return nullptr;
    }
    Ref items(
        ready.kind == ElementKind::character
            ? PyBytes_FromStringAndSize(reinterpret_cast<const char*>(ready.place + range.start), range.count)
            : list_of(ready, range));
    return use.leave() ? items.release() : nullptr;
}

int set_slice(const Use& use, PyObject* array, PyObject* slice, PyObject* from) {
    const Ready& ready = use.ready();
    Range range;
    if (!range.read(slice, ready.length)) {
        return -1;
    }
    return guarded([&] {
        std::vector<std::byte> bytes;
        if (range.step != 1 || (!plain_numbers(ready, from, range.count, bytes) &&
                                !plain_buffer(ready, from, range.count, bytes))) {
            return set_by_ctypes(use, array, slice, from);
        }
        if (!use.enter_to_write()) {
            return -1;
        }
        std::ranges::copy(bytes, ready.place + range.start * ready.size);
        if (!use.leave()) {
            return -1;
        }
        use.notify_all();
        return 0;
    });
}

} // namespace memshare::python
