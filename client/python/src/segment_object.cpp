#include "client/python/src/segment_object.h"

#include "client/python/src/element.h"
#include "client/python/src/failure.h"
#include <memshare/error.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

namespace memshare::python {
namespace {

PyTypeObject* type = nullptr;

SegmentObject& as_segment(PyObject* object) { return *reinterpret_cast<SegmentObject*>(object); }

// The ring of all segments, the newest at its end; it is only touched with the GIL held.
SegmentObject* oldest = nullptr;

void link(SegmentObject& one) {
    if (oldest == nullptr) {
        oldest = one.next = one.previous = &one;
        return;
    }
    one.next = oldest;
    one.previous = oldest->previous;
    one.previous->next = &one;
    oldest->previous = &one;
}

void unlink(SegmentObject& one) {
    one.previous->next = one.next;
    one.next->previous = one.previous;
    if (oldest == &one) {
        oldest = one.next == &one ? nullptr : one.next;
    }
}

// Calls each(segment), until it says false.
void for_all(auto each) {
    SegmentObject* one = oldest;
    if (one == nullptr) {
        return;
    }
    do {
        if (!each(*one)) {
            return;
        }
        one = one->next;
    } while (one != oldest);
}

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

PyObject* wrapped(Segment&& segment) {
    const Ref made(checked(type->tp_alloc(type, 0)));
    SegmentObject& self = as_segment(made.get());
    self.segment = new Segment(std::move(segment));
    self.place = self.segment->payload().data();
    self.mutex = self.segment->access() == Access::write ? &self.segment->mutex() : nullptr;
    self.is_alone = !self.segment->is_shared();
    link(self);
    return Py_NewRef(made.get());
}

namespace {

void dealloc(PyObject* object) {
    SegmentObject& self = as_segment(object);
    if (self.weakrefs != nullptr) {
        PyObject_ClearWeakRefs(object);
    }
    if (self.next != nullptr) {
        unlink(self);
    }
    delete self.segment;
    delete self.format;
    delete[] self.shape;
    PyTypeObject* own = Py_TYPE(object);
    own->tp_free(object);
    Py_DECREF(own);
}

int get_buffer_of(PyObject* object, Py_buffer* view, int flags) {
    return get_buffer(as_segment(object), view, flags);
}

// A value of two slots lies now here, now there.
bool is_in_one_place(const SegmentInfo& info) {
    return info.form == Form::array || abi::stored_at_once(info.size_bytes);
}

PyObject* load(PyObject* object, PyObject* /*none*/) {
    return guarded([&]() -> PyObject* {
        const Segment& segment = *as_segment(object).segment;
        Ref bytes(
            checked(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(segment.info().size_bytes))));
        segment.load(
            std::as_writable_bytes(std::span(PyBytes_AS_STRING(bytes.get()), segment.info().size_bytes)));
        return bytes.release();
    });
}

PyObject* store(PyObject* object, PyObject* from) {
    return guarded([&]() -> PyObject* {
        SegmentObject& self = as_segment(object);
        if (self.is_readonly()) {
            return refuse_to_write();
        }
        const Buffer buffer(from);
        const bool waits = !is_in_one_place(self.info()); // for the lock
        if (waits && !acquire(self)) {
            return nullptr;
        }
        self.segment->store(buffer.bytes());
        if (waits) {
            self.mutex->unlock();
        }
        Py_RETURN_NONE;
    });
}

// What is awaited: opaque bytes that differ from what they were before a change.
std::span<const std::byte> bytes_of(const Version& version) { return std::as_bytes(std::span(&version, 1)); }

Bits bits_of(const SegmentObject& self) {
    Bits bits;
    const SegmentInfo& info = self.info();
    if (info.form == Form::value && abi::stored_at_once(info.size_bytes)) {
        self.segment->load(std::span(bits.bytes).first(info.size_bytes));
    }
    return bits;
}

Version version_of(const SegmentObject& self) { return {self.segment->changes().count(), bits_of(self).all}; }

PyObject* version(PyObject* object, PyObject* /*none*/) {
    return guarded([&]() -> PyObject* {
        SegmentObject& self = as_segment(object);
        share(self);
        const std::uint64_t count = self.segment->changes().count(); // first, as Value::version() does
        self.segment->changes().attend();
        const Version now(count, bits_of(self).all);
        return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bytes_of(now).data()), sizeof(now));
    });
}

detail::Deadline deadline_of(PyObject* timeout) {
    if (timeout == Py_None) {
        return {};
    }
    const double seconds = PyFloat_AsDouble(timeout);
    if (seconds == -1.0 && PyErr_Occurred() != nullptr) {
        throw Told();
    }
    if (std::isnan(seconds)) {
        PyErr_SetString(PyExc_ValueError, "a timeout is a number");
        throw Told();
    }
    return detail::deadline_of(std::chrono::duration<double>(std::max(seconds, 0.0)));
}

// How long it sleeps before it lets Python hear its signals.
constexpr std::chrono::milliseconds between_signals{50};

// Sleeps in parts, each by came_until(time), until it has come or the deadline: whether it has come. Asleep
// without the GIL a segment must not be this process's alone. Throws Told, if a signal ended it.
bool sleep(SegmentObject& self, const detail::Deadline& deadline, auto came_until) {
    share(self);
    WithoutGil others_run;
    while (true) {
        const auto now = std::chrono::steady_clock::now();
        const auto next = now + between_signals;
        const bool is_last = deadline && *deadline <= next;
        if (came_until(is_last ? *deadline : next)) {
            return true;
        }
        if (!others_run.signals_are_quiet()) {
            throw Told();
        }
        if (is_last) {
            return false;
        }
    }
}

// Waits until changed() is so.
PyObject* wait_until(SegmentObject& self, const detail::Deadline& deadline, auto changed) {
    const bool so =
        sleep(self, deadline, [&](auto time) { return self.segment->changes().wait(changed, time); });
    return PyBool_FromLong(so ? 1 : 0);
}

// wait(version or bytes of the value, timeout): whether it is another one.
PyObject* wait(PyObject* object, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        SegmentObject& self = as_segment(object);
        PyObject* seen = nullptr;
        PyObject* timeout = nullptr;
        int is_version = 0;
        if (PyArg_ParseTuple(arguments, "SpO", &seen, &is_version, &timeout) == 0) {
            return nullptr;
        }
        const auto deadline = deadline_of(timeout);
        const auto old = std::as_bytes(
            std::span(PyBytes_AS_STRING(seen), static_cast<std::size_t>(PyBytes_GET_SIZE(seen))));
        if (is_version != 0) {
            return wait_until(self, deadline,
                              [&] { return !std::ranges::equal(bytes_of(version_of(self)), old); });
        }
        if (self.info().form != Form::value || old.size() != self.info().size_bytes) {
            PyErr_SetString(PyExc_TypeError,
                            "only a value is awaited by what it was, an array by its version");
            return nullptr;
        }
        std::vector<std::byte> now(old.size());
        return wait_until(self, deadline, [&] {
            self.segment->load(now);
            return !std::ranges::equal(now, old);
        });
    });
}

PyObject* notify_all(PyObject* object, PyObject* /*none*/) {
    return guarded([&]() -> PyObject* {
        const SegmentObject& self = as_segment(object);
        if (self.is_readonly()) {
            return refuse_to_write();
        }
        if (is_in_one_place(self.info())) {
            self.segment->changes().notify_all();
            Py_RETURN_NONE;
        }
        const Ref same(checked(load(object, nullptr))); // its version says where it lies
        return store(object, same.get());
    });
}

PyObject* share_one(PyObject* object, PyObject* /*none*/) {
    return guarded([&]() -> PyObject* {
        share(as_segment(object));
        Py_RETURN_NONE;
    });
}

PyObject* alive(PyObject* object, PyObject* /*none*/) {
    return guarded([&]() -> PyObject* {
        SegmentObject& self = as_segment(object);
        share(self);
        bool lives = false;
        {
            const WithoutGil others_run;
            lives = self.segment->alive();
        }
        return PyBool_FromLong(lives ? 1 : 0);
    });
}

PyObject* freeze(PyObject* object, PyObject* /*none*/) {
    return guarded([&]() -> PyObject* {
        SegmentObject& self = as_segment(object);
        share(self);
        self.segment->freeze();
        self.mutex = nullptr;
        Py_RETURN_NONE;
    });
}

PyObject* id(PyObject* object, void* /*closure*/) {
    return guarded([&]() -> PyObject* {
        SegmentObject& self = as_segment(object);
        share(self); // who has the id may open it
        return PyUnicode_FromString(self.info().id.c_str());
    });
}

PyObject* name(PyObject* object, void* /*closure*/) {
    const std::string& told = as_segment(object).info().name;
    if (told.empty()) {
        Py_RETURN_NONE;
    }
    return PyUnicode_FromStringAndSize(told.data(), static_cast<Py_ssize_t>(told.size()));
}

PyObject* readonly(PyObject* object, void* /*closure*/) {
    return PyBool_FromLong(as_segment(object).is_readonly() ? 1 : 0);
}

PyObject* element(PyObject* object, void* /*closure*/) {
    return guarded([&] { return described(as_segment(object).info().element); });
}

PyObject* count(PyObject* object, void* /*closure*/) {
    const SegmentInfo& told = as_segment(object).info();
    if (told.form == Form::value) {
        Py_RETURN_NONE;
    }
    return PyLong_FromUnsignedLong(told.count);
}

std::array methods{
    PyMethodDef{"load", method(load), METH_NOARGS, "The bytes of a value, whole."},
    PyMethodDef{"store", method(store), METH_O, "Stores the bytes of a value, all or nothing."},
    PyMethodDef{"version", method(version), METH_NOARGS,
                "Differs after each later change; to be waited past."},
    PyMethodDef{"wait", method(wait), METH_VARARGS, "Waits for another version, or for another value."},
    PyMethodDef{"notify_all", method(notify_all), METH_NOARGS, "Wakes who waits for another version."},
    PyMethodDef{"share", method(share_one), METH_NOARGS, "Makes it known to the broker, if it is not."},
    PyMethodDef{"alive", method(alive), METH_NOARGS, "Whether others can still open it."},
    PyMethodDef{"freeze", method(freeze), METH_NOARGS, "Ends all writing to it, by anybody and for ever."},
    PyMethodDef{nullptr, nullptr, 0, nullptr},
};

std::array properties{
    PyGetSetDef{"id", id, nullptr, "Its UUID.", nullptr},
    PyGetSetDef{"name", name, nullptr, "Its name, or None.", nullptr},
    PyGetSetDef{"readonly", readonly, nullptr, "Whether it is mapped read-only.", nullptr},
    PyGetSetDef{"element", element, nullptr, "(kind, size, alignment, name, fields)", nullptr},
    PyGetSetDef{"count", count, nullptr, "The length of an array; None for a value.", nullptr},
    PyGetSetDef{nullptr, nullptr, nullptr, nullptr, nullptr},
};

std::array members{
    PyMemberDef{"__weaklistoffset__", T_PYSSIZET, offsetof(SegmentObject, weakrefs), READONLY, nullptr},
    PyMemberDef{nullptr, 0, 0, 0, nullptr},
};

std::array slots{
    PyType_Slot{Py_tp_dealloc, slot(dealloc)},         PyType_Slot{Py_tp_methods, methods.data()},
    PyType_Slot{Py_tp_getset, properties.data()},      PyType_Slot{Py_tp_members, members.data()},
    PyType_Slot{Py_bf_getbuffer, slot(get_buffer_of)}, PyType_Slot{0, nullptr},
};

PyType_Spec spec{"memshare._core.Segment", sizeof(SegmentObject), 0,
                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots.data()};

} // namespace

PyTypeObject* segment_type() { return type; }

bool is_segment(PyObject* object) {
    const bool is = Py_IS_TYPE(object, type);
    if (!is) {
        PyErr_Format(PyExc_TypeError, "this takes a segment, not %R", object);
    }
    return is;
}

int add_segment_type(PyObject* module) {
    type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return type == nullptr ? -1 : PyModule_AddObjectRef(module, "Segment", reinterpret_cast<PyObject*>(type));
}

void share(SegmentObject& self) {
    if (self.is_alone) {
        self.segment->share(); // with the GIL held, so that nobody uses it meanwhile
        self.is_alone = false;
    }
}

// A segment for which there is no room stays this process's.
void share_all() {
    for_all([](SegmentObject& one) {
        const bool shared = guarded([&] {
                                share(one);
                                return 0;
                            }) == 0;
        PyErr_Clear();
        return shared;
    });
}

bool has_segments() { return oldest != nullptr; }

// What is read-only needs no session: it has no lock, and whoever waits for its changes attaches it.
void attach_all_again() {
    for_all([](SegmentObject& one) {
        one.is_alone = false;
        try {
            if (!one.is_readonly()) {
                one.segment->attach_again();
            }
        } catch (const Error& error) {
            return error.code() != Errc::no_broker && error.code() != Errc::broker_lost;
        } catch (...) {
            return true; // for want of memory its first lock does it
        }
        return true;
    });
}

bool wait_for_lock(SegmentObject& self, const detail::Deadline& deadline) {
    return sleep(self, deadline, [&](auto time) { return self.mutex->try_lock_until(time); });
}

bool acquire_slowly(SegmentObject& self) {
    if (PyErr_Occurred() != nullptr) {
        return false; // it tried, and Python has been told
    }
    if (self.is_readonly()) {
        refuse_to_write();
        return false;
    }
    return guarded([&] { return wait_for_lock(self, {}) ? 1 : 0; }) == 1;
}

int get_buffer(SegmentObject& self, Py_buffer* view, int flags) {
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
        if (self.format == nullptr) {
            lay_out(self);
            self.format = new std::string(format_of(info.element));
        }
        view->obj = Py_NewRef(reinterpret_cast<PyObject*>(&self));
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
        return 0;
    });
}

} // namespace memshare::python
