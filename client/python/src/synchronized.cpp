#include "client/python/src/synchronized.h"

#include "client/python/src/element.h"
#include "client/python/src/failure.h"
#include "client/python/src/lock_object.h"
#include "client/python/src/segment_object.h"

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <string_view>
#include <vector>

namespace memshare::python {
namespace {

PyTypeObject* base_type = nullptr;

// What every access needs at hand.
struct Ready {
    std::byte* place;
    ElementKind kind;
    Changes changes;
    Py_ssize_t size; // of an element
    Py_ssize_t length;
};

// (It is made by CPython, of zeros.)
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
struct Synchronized {
    PyObject_HEAD SegmentObject* segment; // nothing once it is closed
    PyObject* type;                       // of an element, to ctypes
    PyObject* user_lock;                  // nothing: the segment's own
    PyObject* lock;                       // what get_lock() gives
    PyObject* object;                     // what get_obj() gives
    PyObject* weakrefs;
    std::optional<Ready> ready;
};

Synchronized& as_one(PyObject* object) { return *reinterpret_cast<Synchronized*>(object); }

PyObject* value_word = nullptr; // "value", interned

bool is_open(const Synchronized& self) {
    if (self.segment == nullptr) {
        refuse_closed();
    }
    return self.segment != nullptr;
}

bool is_writable(const Synchronized& self) {
    if (is_open(self) && self.segment->is_readonly()) {
        refuse_to_write();
        return false;
    }
    return self.segment != nullptr;
}

// Takes the lock, if there is one: what is read-only is read without.
bool enter(const Synchronized& self) {
    if (self.user_lock != nullptr) [[unlikely]] {
        return static_cast<bool>(Ref(PyObject_CallMethod(self.user_lock, "acquire", nullptr)));
    }
    return self.segment->is_readonly() || acquire(*self.segment);
}

// Gives it back, also after an error, which stays.
bool leave(const Synchronized& self) {
    if (self.user_lock == nullptr) [[likely]] {
        return self.segment->is_readonly() || guarded([&] {
                                                  self.segment->mutex->unlock();
                                                  return 0;
                                              }) == 0;
    }
    PyObject* type = nullptr;
    PyObject* value = nullptr;
    PyObject* trace = nullptr;
    PyErr_Fetch(&type, &value, &trace);
    const Ref released(PyObject_CallMethod(self.user_lock, "release", nullptr));
    if (type == nullptr) {
        return static_cast<bool>(released);
    }
    PyErr_Restore(type, value, trace);
    return false;
}

// --- what values and arrays have in common ---

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
        Synchronized& self = as_one(made);
        self.segment = reinterpret_cast<SegmentObject*>(Py_NewRef(segment));
        self.type = Py_NewRef(type);
        self.user_lock = lock == Py_None ? nullptr : Py_NewRef(lock);
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

void close_it(Synchronized& self) {
    Py_CLEAR(self.object);
    Py_CLEAR(self.lock);
    PyObject* segment = reinterpret_cast<PyObject*>(std::exchange(self.segment, nullptr));
    Py_XDECREF(segment);
}

void dealloc(PyObject* object) {
    Synchronized& self = as_one(object);
    if (self.weakrefs != nullptr) {
        PyObject_ClearWeakRefs(object);
    }
    close_it(self);
    Py_CLEAR(self.user_lock);
    Py_CLEAR(self.type);
    PyTypeObject* own = Py_TYPE(object);
    own->tp_free(object);
    Py_DECREF(own);
}

PyObject* get_lock(PyObject* object, PyObject* /*none*/) {
    Synchronized& self = as_one(object);
    if (self.user_lock != nullptr) {
        return Py_NewRef(self.user_lock);
    }
    if (!is_writable(self)) {
        return nullptr;
    }
    if (self.lock == nullptr) {
        self.lock = lock_of(nullptr, reinterpret_cast<PyObject*>(self.segment));
    }
    return Py_XNewRef(self.lock);
}

PyObject* acquire_it(PyObject* object, PyObject* arguments, PyObject* keywords) {
    const Synchronized& self = as_one(object);
    if (self.user_lock != nullptr) {
        const Ref own(PyObject_GetAttrString(self.user_lock, "acquire"));
        return own ? PyObject_Call(own.get(), arguments, keywords) : nullptr;
    }
    return is_open(self) ? acquire_method(*self.segment, arguments, keywords) : nullptr;
}

PyObject* release_it(PyObject* object, PyObject* /*none*/) {
    const Synchronized& self = as_one(object);
    if (self.user_lock != nullptr) {
        return PyObject_CallMethod(self.user_lock, "release", nullptr);
    }
    return is_open(self) ? release_method(*self.segment) : nullptr;
}

PyObject* enter_it(PyObject* object, PyObject* /*none*/) {
    const Synchronized& self = as_one(object);
    if (self.user_lock != nullptr) {
        return PyObject_CallMethod(self.user_lock, "__enter__", nullptr);
    }
    return is_open(self) && acquire(*self.segment) ? Py_NewRef(Py_True) : nullptr;
}

PyObject* exit_it(PyObject* object, PyObject* exception) {
    const Synchronized& self = as_one(object);
    if (self.user_lock != nullptr) {
        const Ref own(PyObject_GetAttrString(self.user_lock, "__exit__"));
        return own ? PyObject_CallObject(own.get(), exception) : nullptr;
    }
    return is_open(self) ? exit_method(*self.segment) : nullptr;
}

// The package makes it, once.
PyObject* get_obj(PyObject* object, PyObject* /*none*/) {
    Synchronized& self = as_one(object);
    if (!is_open(self)) {
        return nullptr;
    }
    if (self.object == nullptr) {
        self.object = PyObject_CallMethod(object, "_make_obj", nullptr);
    }
    return Py_XNewRef(self.object);
}

PyObject* close(PyObject* object, PyObject* /*none*/) {
    close_it(as_one(object));
    Py_RETURN_NONE;
}

PyObject* segment(PyObject* object, void* /*closure*/) {
    const Synchronized& self = as_one(object);
    return is_open(self) ? Py_NewRef(reinterpret_cast<PyObject*>(self.segment)) : nullptr;
}
PyObject* type_of(PyObject* object, void* /*closure*/) { return Py_NewRef(as_one(object).type); }
PyObject* user_lock(PyObject* object, void* /*closure*/) {
    PyObject* lock = as_one(object).user_lock;
    return Py_NewRef(lock == nullptr ? Py_None : lock);
}
PyObject* closed(PyObject* object, void* /*closure*/) {
    return PyBool_FromLong(as_one(object).segment == nullptr ? 1 : 0);
}

int get_buffer_of(PyObject* object, Py_buffer* view, int flags) {
    const Synchronized& self = as_one(object);
    return is_open(self) ? get_buffer(*self.segment, view, flags) : -1;
}

// --- one element, in the lock ---

// Whether nobody else has the lock, and as long as this thread has the GIL nobody else can: what only this
// process knows need not be locked for one access.
bool is_undisturbed(const Synchronized& self) {
    const SegmentObject& segment = *self.segment;
    return self.user_lock == nullptr && segment.is_alone &&
           (segment.segment->header().lock.word.load(std::memory_order_relaxed) == 0 ||
            segment.mutex->is_held());
}

PyObject* get_element(const Synchronized& self, std::byte* place) {
    if (is_undisturbed(self)) {
        return shown(self.ready->kind, read(self.ready->kind, place));
    }
    if (!enter(self)) {
        return nullptr;
    }
    const Bits bits = read(self.ready->kind, place);
    return leave(self) ? shown(self.ready->kind, bits) : nullptr;
}

bool set_element(const Synchronized& self, std::byte* place, Bits bits) {
    if (is_undisturbed(self)) {
        write(self.ready->kind, place, bits);
        return true;
    }
    if (!enter(self)) {
        return false;
    }
    write(self.ready->kind, place, bits);
    return leave(self);
}

// --- one element, without the lock: each is one atomic step ---

template <typename T> detail::AtOnce<T> at_once(std::byte* place) { return detail::AtOnce<T>(place); }

PyObject* load_element(const Synchronized& self, std::byte* place) {
    const Bits bits = with_type(self.ready->kind,
                                [&]<typename T>(T /*type*/) { return bits_of(at_once<T>(place).load()); });
    return shown(self.ready->kind, bits);
}

bool store_element(const Synchronized& self, std::byte* place, PyObject* from) {
    Bits bits;
    if (!is_writable(self) || !taken(self.ready->kind, self.type, from, bits)) {
        return false;
    }
    with_type(self.ready->kind, [&]<typename T>(T /*type*/) { at_once<T>(place).store(value_of<T>(bits)); });
    return true;
}

// What it was before.
std::optional<Bits> exchanged(const Synchronized& self, std::byte* place, PyObject* from) {
    Bits bits;
    if (!is_writable(self) || !taken(self.ready->kind, self.type, from, bits)) {
        return {};
    }
    return with_type(self.ready->kind, [&]<typename T>(T /*type*/) {
        return bits_of(at_once<T>(place).exchange(value_of<T>(bits)));
    });
}

std::optional<Bits> added(const Synchronized& self, std::byte* place, PyObject* from) {
    Bits bits;
    if (!is_number(self.ready->kind)) {
        PyErr_SetString(PyExc_TypeError, "only numbers can be added");
        return {};
    }
    if (!is_writable(self) || !taken(self.ready->kind, self.type, from, bits)) {
        return {};
    }
    return with_type(self.ready->kind, [&]<typename T>(T /*type*/) {
        return bits_of(at_once<T>(place).fetch_add(value_of<T>(bits)));
    });
}

// Whether it was as expected: 1 or 0; -1: Python has been told of an error.
int compared_exchanged(const Synchronized& self, std::byte* place, PyObject* expected, PyObject* desired) {
    Bits old;
    Bits next;
    if (!is_writable(self) || !taken(self.ready->kind, self.type, expected, old) ||
        !taken(self.ready->kind, self.type, desired, next)) {
        return -1;
    }
    return with_type(self.ready->kind, [&]<typename T>(T /*type*/) {
        T seen = value_of<T>(old);
        return at_once<T>(place).compare_exchange(seen, value_of<T>(next)) ? 1 : 0;
    });
}

PyObject* shown_if(const Synchronized& self, const std::optional<Bits>& bits) {
    return bits ? shown(self.ready->kind, *bits) : nullptr;
}

bool has_arguments(Py_ssize_t has, Py_ssize_t needs) {
    if (has != needs) {
        PyErr_Format(PyExc_TypeError, "this takes %zd arguments, not %zd", needs, has);
    }
    return has == needs;
}

// --- a value ---

bool has_value(const Synchronized& self) {
    if (is_open(self) && self.ready->kind == ElementKind::structure) {
        PyErr_SetString(PyExc_AttributeError, "a structure has no value, but fields");
        return false;
    }
    return self.segment != nullptr;
}

PyObject* value(PyObject* object, void* /*closure*/) {
    const Synchronized& self = as_one(object);
    return has_value(self) ? get_element(self, self.ready->place) : nullptr;
}

int set_value(PyObject* object, PyObject* from, void* /*closure*/) {
    const Synchronized& self = as_one(object);
    if (from == nullptr) {
        PyErr_SetString(PyExc_AttributeError, "a value cannot be deleted");
        return -1;
    }
    Bits bits;
    if (!has_value(self) || !is_writable(self) || !taken(self.ready->kind, self.type, from, bits) ||
        !set_element(self, self.ready->place, bits)) {
        return -1;
    }
    self.ready->changes.announce();
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
    const Synchronized& self = as_one(object);
    return has_value(self) ? load_element(self, self.ready->place) : nullptr;
}

PyObject* store(PyObject* object, PyObject* from) {
    const Synchronized& self = as_one(object);
    if (!has_value(self) || !store_element(self, self.ready->place, from)) {
        return nullptr;
    }
    self.ready->changes.announce();
    Py_RETURN_NONE;
}

PyObject* exchange(PyObject* object, PyObject* from) {
    const Synchronized& self = as_one(object);
    const auto before = has_value(self) ? exchanged(self, self.ready->place, from) : std::nullopt;
    if (before) {
        self.ready->changes.announce();
    }
    return shown_if(self, before);
}

PyObject* add(PyObject* object, PyObject* by) {
    const Synchronized& self = as_one(object);
    const auto before = has_value(self) ? added(self, self.ready->place, by) : std::nullopt;
    if (before) {
        self.ready->changes.announce();
    }
    return shown_if(self, before);
}

PyObject* compare_exchange(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
    const Synchronized& self = as_one(object);
    if (!has_arguments(count, 2) || !has_value(self)) {
        return nullptr;
    }
    const int done = compared_exchanged(self, self.ready->place, arguments[0], arguments[1]);
    if (done > 0) {
        self.ready->changes.announce();
    }
    return done < 0 ? nullptr : PyBool_FromLong(done);
}

// --- an array ---

Py_ssize_t length(PyObject* object) { return as_one(object).ready->length; }

std::byte* place_of(const Synchronized& self, Py_ssize_t index) {
    const Py_ssize_t from_start = index < 0 ? index + self.ready->length : index;
    if (from_start < 0 || from_start >= self.ready->length) {
        PyErr_SetString(PyExc_IndexError, "invalid index");
        return nullptr;
    }
    return self.ready->place + from_start * self.ready->size;
}

std::byte* place_at(const Synchronized& self, PyObject* index) {
    const Py_ssize_t at = PyNumber_AsSsize_t(index, PyExc_IndexError);
    if ((at == -1 && PyErr_Occurred() != nullptr) || !is_open(self)) {
        return nullptr;
    }
    if (self.ready->kind == ElementKind::structure) {
        PyErr_SetString(PyExc_TypeError, "an element that is a structure is no atomic");
        return nullptr;
    }
    return place_of(self, at);
}

// By the rules of the ctypes array, in the lock.
PyObject* got_by_ctypes(PyObject* object, PyObject* key) {
    const Ref array(get_obj(object, nullptr));
    if (!array || !enter(as_one(object))) {
        return nullptr;
    }
    Ref item(PyObject_GetItem(array.get(), key));
    return leave(as_one(object)) ? item.release() : nullptr;
}

int set_by_ctypes(PyObject* object, PyObject* key, PyObject* from) {
    const Synchronized& self = as_one(object);
    const Ref array(is_writable(self) ? get_obj(object, nullptr) : nullptr);
    if (!array || !enter(self)) {
        return -1;
    }
    const int result = PyObject_SetItem(array.get(), key, from);
    if (!leave(self) || result < 0) {
        return -1;
    }
    self.segment->segment->changes().notify_all();
    return 0;
}

struct Range {
    Py_ssize_t start = 0, stop = 0, step = 0, count = 0;

    // False: Python has been told.
    bool read(PyObject* slice, Py_ssize_t length) {
        if (PySlice_Unpack(slice, &start, &stop, &step) < 0) {
            return false;
        }
        count = PySlice_AdjustIndices(length, &start, &stop, step);
        return true;
    }
};

PyObject* get_range(PyObject* object, PyObject* slice) {
    const Synchronized& self = as_one(object);
    const Ready& ready = *self.ready;
    Range range;
    if (!range.read(slice, ready.length)) {
        return nullptr;
    }
    if (ready.kind == ElementKind::structure || ready.kind == ElementKind::wide_character ||
        (ready.kind == ElementKind::character && range.step != 1)) {
        return got_by_ctypes(object, slice);
    }
    if (!enter(self)) {
        return nullptr;
    }
    Ref items;
    if (ready.kind == ElementKind::character) {
        items = Ref(
            PyBytes_FromStringAndSize(reinterpret_cast<const char*>(ready.place + range.start), range.count));
    } else {
        items = Ref(PyList_New(range.count));
        for (Py_ssize_t i = 0; items && i < range.count; ++i) {
            PyObject* item = shown(
                ready.kind, read(ready.kind, ready.place + (range.start + i * range.step) * ready.size));
            PyList_SET_ITEM(items.get(), i, item);
            items = item == nullptr ? Ref() : std::move(items);
        }
    }
    return leave(self) ? items.release() : nullptr;
}

// The elements of a list or a tuple, as they will lie in memory. False, if they are not plainly numbers, or
// there are not so many; then nobody has been told anything.
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
bool plain_buffer(const Ready& ready, const std::string& format, PyObject* from, Py_ssize_t count,
                  std::vector<std::byte>& bytes) {
    if (PyObject_CheckBuffer(from) == 0) {
        return false;
    }
    Py_buffer view{};
    if (PyObject_GetBuffer(from, &view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS) < 0) {
        PyErr_Clear();
        return false;
    }
    std::string_view theirs = view.format == nullptr ? "B" : view.format;
    theirs.remove_prefix(theirs.starts_with('<') || theirs.starts_with('@') || theirs.starts_with('=') ? 1
                                                                                                       : 0);
    const bool same_size = view.itemsize == ready.size && view.ndim == 1 && view.len == count * ready.size;
    const bool same = same_size && (theirs == format || (PyBytes_CheckExact(from) && format == "c"));
    if (same) {
        const auto* start = static_cast<const std::byte*>(view.buf);
        bytes.assign(start, start + view.len);
    }
    PyBuffer_Release(&view);
    return same;
}

int set_range(PyObject* object, PyObject* slice, PyObject* from) {
    const Synchronized& self = as_one(object);
    const Ready& ready = *self.ready;
    Range range;
    if (!is_writable(self) || !range.read(slice, ready.length)) {
        return -1;
    }
    return guarded([&] {
        std::vector<std::byte> bytes;
        const std::string format = format_of(self.segment->info().element);
        if (range.step != 1 || (!plain_numbers(ready, from, range.count, bytes) &&
                                !plain_buffer(ready, format, from, range.count, bytes))) {
            return set_by_ctypes(object, slice, from);
        }
        if (!enter(self)) {
            return -1;
        }
        std::memcpy(ready.place + range.start * ready.size, bytes.data(), bytes.size());
        if (!leave(self)) {
            return -1;
        }
        self.segment->segment->changes().notify_all();
        return 0;
    });
}

PyObject* subscript(PyObject* object, PyObject* key) {
    const Synchronized& self = as_one(object);
    if (!is_open(self)) {
        return nullptr;
    }
    if (PySlice_Check(key)) {
        return get_range(object, key);
    }
    if (PyIndex_Check(key) == 0 || self.ready->kind == ElementKind::structure) {
        return got_by_ctypes(object, key);
    }
    const Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
    if (index == -1 && PyErr_Occurred() != nullptr) {
        return nullptr;
    }
    std::byte* place = place_of(self, index);
    return place == nullptr ? nullptr : get_element(self, place);
}

int set_subscript(PyObject* object, PyObject* key, PyObject* from) {
    const Synchronized& self = as_one(object);
    if (from == nullptr) {
        PyErr_SetString(PyExc_AttributeError, "what an array has cannot be deleted");
        return -1;
    }
    if (!is_writable(self)) {
        return -1;
    }
    if (PySlice_Check(key)) {
        return set_range(object, key, from);
    }
    Bits bits;
    if (PyIndex_Check(key) == 0 || !plainly_taken(self.ready->kind, from, bits)) {
        return set_by_ctypes(object, key, from);
    }
    const Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
    std::byte* place = index == -1 && PyErr_Occurred() != nullptr ? nullptr : place_of(self, index);
    if (place == nullptr || !set_element(self, place, bits)) {
        return -1;
    }
    std::as_const(self.ready->changes).notify_all();
    return 0;
}

// As iterators ask, which count by themselves.
PyObject* item(PyObject* object, Py_ssize_t index) {
    const Synchronized& self = as_one(object);
    if (!is_open(self)) {
        return nullptr;
    }
    if (self.ready->kind == ElementKind::structure) {
        const Ref key(PyLong_FromSsize_t(index));
        return key ? got_by_ctypes(object, key.get()) : nullptr;
    }
    std::byte* place = place_of(self, index);
    return place == nullptr ? nullptr : get_element(self, place);
}

PyObject* load_item(PyObject* object, PyObject* index) {
    const Synchronized& self = as_one(object);
    std::byte* place = place_at(self, index);
    return place == nullptr ? nullptr : load_element(self, place);
}

PyObject* store_item(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
    const Synchronized& self = as_one(object);
    std::byte* place = has_arguments(count, 2) ? place_at(self, arguments[0]) : nullptr;
    if (place == nullptr || !store_element(self, place, arguments[1])) {
        return nullptr;
    }
    self.ready->changes.notify_all();
    Py_RETURN_NONE;
}

PyObject* change_item(PyObject* object, PyObject* const* arguments, Py_ssize_t count, auto change) {
    const Synchronized& self = as_one(object);
    std::byte* place = has_arguments(count, 2) ? place_at(self, arguments[0]) : nullptr;
    const auto before = place == nullptr ? std::nullopt : change(self, place, arguments[1]);
    if (before) {
        self.ready->changes.notify_all();
    }
    return shown_if(self, before);
}
PyObject* exchange_item(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
    return change_item(object, arguments, count, exchanged);
}
PyObject* add_item(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
    return change_item(object, arguments, count, added);
}

PyObject* compare_exchange_item(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
    const Synchronized& self = as_one(object);
    std::byte* place = has_arguments(count, 3) ? place_at(self, arguments[0]) : nullptr;
    if (place == nullptr) {
        return nullptr;
    }
    const int done = compared_exchanged(self, place, arguments[1], arguments[2]);
    if (done > 0) {
        self.ready->changes.notify_all();
    }
    return done < 0 ? nullptr : PyBool_FromLong(done);
}

// --- the types ---

std::array base_methods{
    PyMethodDef{"acquire", method(acquire_it), METH_VARARGS | METH_KEYWORDS,
                "acquire($self, /, block=True, timeout=None)\n--\n\nThat of get_lock()."},
    PyMethodDef{"release", method(release_it), METH_NOARGS, "release($self, /)\n--\n\nThat of get_lock()."},
    PyMethodDef{"__enter__", method(enter_it), METH_NOARGS, nullptr},
    PyMethodDef{"__exit__", method(exit_it), METH_VARARGS, nullptr},
    PyMethodDef{"get_lock", method(get_lock), METH_NOARGS,
                "get_lock($self, /)\n--\n\nIts lock, always the same object."},
    PyMethodDef{"get_obj", method(get_obj), METH_NOARGS,
                "get_obj($self, /)\n--\n\nThe ctypes object inside, to be used in the lock."},
    PyMethodDef{
        "close", method(close), METH_NOARGS,
        "close($self, /)\n--\n\nLets go of the memory, which stays as long as there are views of it."},
    PyMethodDef{nullptr, nullptr, 0, nullptr},
};

std::array base_properties{
    PyGetSetDef{"_segment", segment, nullptr, nullptr, nullptr},
    PyGetSetDef{"_type", type_of, nullptr, nullptr, nullptr},
    PyGetSetDef{"_user_lock", user_lock, nullptr, nullptr, nullptr},
    PyGetSetDef{"closed", closed, nullptr, "Whether close() has been called.", nullptr},
    PyGetSetDef{nullptr, nullptr, nullptr, nullptr, nullptr},
};

std::array base_members{
    PyMemberDef{"__weaklistoffset__", T_PYSSIZET, offsetof(Synchronized, weakrefs), READONLY, nullptr},
    PyMemberDef{nullptr, 0, 0, 0, nullptr},
};

std::array base_slots{
    PyType_Slot{Py_tp_new, slot(make)},
    PyType_Slot{Py_tp_dealloc, slot(dealloc)},
    PyType_Slot{Py_tp_methods, base_methods.data()},
    PyType_Slot{Py_tp_getset, base_properties.data()},
    PyType_Slot{Py_tp_members, base_members.data()},
    PyType_Slot{Py_bf_getbuffer, slot(get_buffer_of)},
    PyType_Slot{0, nullptr},
};

std::array value_methods{
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

std::array value_properties{
    PyGetSetDef{"value", value, set_value, "The value, in the lock.", nullptr},
    PyGetSetDef{nullptr, nullptr, nullptr, nullptr, nullptr},
};

std::array value_slots{
    PyType_Slot{Py_tp_methods, value_methods.data()},
    PyType_Slot{Py_tp_getset, value_properties.data()},
    PyType_Slot{Py_tp_getattro, slot(get_attribute)},
    PyType_Slot{Py_tp_setattro, slot(set_attribute)},
    PyType_Slot{0, nullptr},
};

std::array array_methods{
    PyMethodDef{"load", method(load_item), METH_O,
                "load($self, index, /)\n--\n\nAn element, without the lock."},
    PyMethodDef{"store", method(store_item), METH_FASTCALL,
                "store($self, index, value, /)\n--\n\nStores an element, without the lock."},
    PyMethodDef{"exchange", method(exchange_item), METH_FASTCALL,
                "exchange($self, index, value, /)\n--\n\nStores an element, and returns the one before."},
    PyMethodDef{"add", method(add_item), METH_FASTCALL,
                "add($self, index, by, /)\n--\n\n"
                "Adds to an element, as one step, and returns what was before."},
    PyMethodDef{"compare_exchange", method(compare_exchange_item), METH_FASTCALL,
                "compare_exchange($self, index, expected, desired, /)\n--\n\n"
                "Stores `desired` if the element is `expected`: whether it was."},
    PyMethodDef{nullptr, nullptr, 0, nullptr},
};

std::array array_slots{
    PyType_Slot{Py_tp_methods, array_methods.data()},
    PyType_Slot{Py_mp_length, slot(length)},
    PyType_Slot{Py_mp_subscript, slot(subscript)},
    PyType_Slot{Py_mp_ass_subscript, slot(set_subscript)},
    PyType_Slot{Py_sq_length, slot(length)},
    PyType_Slot{Py_sq_item, slot(item)},
    PyType_Slot{0, nullptr},
};

constexpr unsigned flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;
PyType_Spec base_spec{"memshare._core.SynchronizedBase", sizeof(Synchronized), 0, flags, base_slots.data()};
PyType_Spec value_spec{"memshare._core.Value", sizeof(Synchronized), 0, flags, value_slots.data()};
PyType_Spec array_spec{"memshare._core.Array", sizeof(Synchronized), 0, flags, array_slots.data()};

int add_type(PyObject* module, PyType_Spec& spec, const char* name) {
    const Ref made(PyType_FromSpecWithBases(&spec, reinterpret_cast<PyObject*>(base_type)));
    return made ? PyModule_AddObjectRef(module, name, made.get()) : -1;
}

} // namespace

int add_synchronized_types(PyObject* module) {
    value_word = PyUnicode_InternFromString("value");
    base_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&base_spec));
    if (value_word == nullptr || base_type == nullptr ||
        PyModule_AddObjectRef(module, "SynchronizedBase", reinterpret_cast<PyObject*>(base_type)) < 0) {
        return -1;
    }
    return add_type(module, value_spec, "Value") < 0 ? -1 : add_type(module, array_spec, "Array");
}

} // namespace memshare::python
