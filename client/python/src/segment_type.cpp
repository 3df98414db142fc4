#include "client/python/src/segment_type.h"

#include "client/python/src/element.h"
#include "client/python/src/failure.h"
#include "client/python/src/fork_of_c.h"
#include "client/python/src/locking.h"
#include "client/python/src/patience.h"
#include "client/python/src/segment_buffer.h"
#include "client/python/src/versions.h"
#include <memshare/error.hpp>

#include <array>
#include <limits>
#include <span>
#include <string>

namespace memshare::python {
namespace {

PyTypeObject* type = nullptr;

SegmentObject& as_segment(PyObject* object) { return *reinterpret_cast<SegmentObject*>(object); }

void dealloc(PyObject* object) {
    SegmentObject& self = as_segment(object);
    if (self.weakrefs != nullptr) {
        PyObject_ClearWeakRefs(object);
    }
    if (self.next != nullptr) {
        unlink(self);
    }
    if (self.is_alone || self.is_orphan) {
        delete self.segment;
    } else {
        const WithoutGil others_run; // the broker is told
        delete self.segment;
    }
    PyTypeObject* own = Py_TYPE(object);
    own->tp_free(object);
    Py_DECREF(own);
}

int get_buffer_of(PyObject* object, Py_buffer* view, int flags) {
    return get_bytes_buffer(as_segment(object), view, flags);
}
void release_buffer_of(PyObject* object, Py_buffer* view) { release_buffer(as_segment(object), *view); }

PyObject* load(PyObject* object, PyObject* /*none*/) {
    return guarded([&]() -> PyObject* {
        const SegmentObject& self = as_segment(object);
        expect_no_orphan(self);
        const Segment& segment = *self.segment;
        Ref bytes(
            checked(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(segment.info().size_bytes))));
        segment.load(
            std::as_writable_bytes(std::span(PyBytes_AS_STRING(bytes.get()), segment.info().size_bytes)));
        return bytes.release();
    });
}

// What has two slots is stored in the lock; it is waited for here, as there without the GIL.
PyObject* store(PyObject* object, PyObject* from) {
    return guarded([&]() -> PyObject* {
        SegmentObject& self = as_segment(object);
        const Buffer buffer(from);
        expect_no_orphan(self);
        if (self.is_readonly()) {
            return refuse_to_write();
        }
        const bool waits = !is_in_one_place(self.info());
        if (waits && !acquire(self)) {
            return nullptr;
        }
        const int stored = guarded([&] {
            self.segment->store(buffer.bytes());
            return 0;
        });
        const bool released = !waits || release(self);
        return stored == 0 && released ? Py_NewRef(Py_None) : nullptr;
    });
}

PyObject* version(PyObject* object, PyObject* arguments) {
    return version_method(as_segment(object), arguments);
}
PyObject* wait(PyObject* object, PyObject* arguments) { return wait_method(as_segment(object), arguments); }

PyObject* notify_all(PyObject* object, PyObject* /*none*/) {
    return guarded([&]() -> PyObject* {
        const SegmentObject& self = as_segment(object);
        expect_no_orphan(self);
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

// Asks for so many seconds at most.
PyObject* alive(PyObject* object, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        SegmentObject& self = as_segment(object);
        double longest = std::numeric_limits<int>::max();
        if (PyArg_ParseTuple(arguments, "|d", &longest) == 0) {
            return nullptr;
        }
        share(self);
        bool lives = false;
        {
            const WithoutGil others_run;
            const CallLimit limit(std::chrono::milliseconds(static_cast<std::int64_t>(longest * 1000)));
            lives = self.segment->alive();
        }
        return PyBool_FromLong(lives ? 1 : 0);
    });
}

// What this process still writes through, when the memory becomes read-only, would end it. (That of others
// the kernel knows.)
void expect_unused(const SegmentObject& self) {
    const auto refuse = [&](const std::string& why) { throw Error(Errc::busy, why, self.info().name); };
    if (self.views > 0) {
        refuse(
            "this process has views that can write to it, of numpy, ctypes or memoryview: drop them first");
    }
    if (self.sleepers > 0) {
        refuse("another thread of this process waits for its lock or for a change");
    }
    if (is_locked(self) && !self.is_readonly() && !self.mutex->is_held()) {
        refuse("somebody has it locked");
    }
}

PyObject* freeze(PyObject* object, PyObject* /*none*/) {
    return guarded([&]() -> PyObject* {
        SegmentObject& self = as_segment(object);
        share(self);
        patiently([&] {
            expect_unused(self);
            self.segment->freeze();
            self.mutex = nullptr;
        });
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
    PyMethodDef{
        "version", method(version), METH_VARARGS,
        "Differs after each later change; to be waited past. Waits no longer than `timeout` for the broker."},
    PyMethodDef{"wait", method(wait), METH_VARARGS, "Waits for another version, or for another value."},
    PyMethodDef{"notify_all", method(notify_all), METH_NOARGS, "Wakes who waits for another version."},
    PyMethodDef{"share", method(share_one), METH_NOARGS, "Makes it known to the broker, if it is not."},
    PyMethodDef{"alive", method(alive), METH_VARARGS, "Whether others can still open it."},
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
    PyType_Slot{Py_tp_dealloc, slot(dealloc)},
    PyType_Slot{Py_tp_methods, methods.data()},
    PyType_Slot{Py_tp_getset, properties.data()},
    PyType_Slot{Py_tp_members, members.data()},
    PyType_Slot{Py_bf_getbuffer, slot(get_buffer_of)},
    PyType_Slot{Py_bf_releasebuffer, slot(release_buffer_of)},
    PyType_Slot{0, nullptr},
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

PyObject* wrapped(Segment&& segment) {
    const Ref made(checked(type->tp_alloc(type, 0)));
    SegmentObject& self = as_segment(made.get());
    self.segment = new Segment(std::move(segment));
    self.place = self.segment->payload().data();
    self.mutex = self.segment->access() == Access::write ? &self.segment->mutex() : nullptr;
    self.is_alone = !self.segment->is_shared();
    link(self);
    share_before_forks_of_c();
    return Py_NewRef(made.get());
}

} // namespace memshare::python
