#include "client/python/src/descriptions.h"

#include "client/python/src/element.h"

#include <array>
#include <chrono>

namespace memshare::python {
namespace {

constexpr std::array lifetimes{"creator", "attached", "persistent"};
constexpr std::array pages{"no", "transparent", "2M", "1G"};

std::array dead_holder_fields{
    PyStructSequence_Field{"pid", "As the broker saw it; by now it may be another's."},
    PyStructSequence_Field{"uid", nullptr},
    PyStructSequence_Field{"program", nullptr},
    PyStructSequence_Field{"time", "When the broker passed the lock on, in seconds since 1970."},
    PyStructSequence_Field{nullptr, nullptr},
};
PyStructSequence_Desc dead_holder_description{
    "memshare.DeadHolder",
    "A process that ended while it held a lock, and when the broker passed the lock on.",
    dead_holder_fields.data(), 4};
PyTypeObject* dead_holder = nullptr;

} // namespace

int add_descriptions(PyObject* module) {
    dead_holder = PyStructSequence_NewType(&dead_holder_description);
    return dead_holder == nullptr
               ? -1
               : PyModule_AddObjectRef(module, "DeadHolder", reinterpret_cast<PyObject*>(dead_holder));
}

double seconds(Time time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); }

PyObject* text(const std::string& words) {
    return PyUnicode_DecodeUTF8(words.data(), static_cast<Py_ssize_t>(words.size()), "replace");
}

PyObject* dictionary_of(const SegmentInfo& info) {
    const Ref shape(
        checked(tuple_of(info.shape, [](std::uint64_t one) { return PyLong_FromUnsignedLong(one); })));
    return Py_BuildValue("{sssNsssNsKsOsKsssIsIsIsLsNsdsKsssOsOsN}", "id", info.id.c_str(), "name",
                         info.name.empty() ? Py_NewRef(Py_None) : text(info.name), "form",
                         info.form == Form::value ? "value" : "array", "element", described(info.element),
                         "count", static_cast<unsigned long long>(info.count), "shape", shape.get(), "size",
                         static_cast<unsigned long long>(info.size_bytes), "lifetime",
                         lifetimes.at(static_cast<std::size_t>(info.lifetime)), "mode", info.mode, "uid",
                         info.uid, "gid", info.gid, "creator_pid", static_cast<long long>(info.creator_pid),
                         "creator_program", text(info.creator_program), "created", seconds(info.created),
                         "attachments", static_cast<unsigned long long>(info.attachments), "huge_pages",
                         pages.at(static_cast<std::size_t>(info.huge_pages)), "frozen",
                         info.frozen ? Py_True : Py_False, "ended", info.ended ? Py_True : Py_False, "type",
                         text(info.type()));
}

PyObject* shown(const std::optional<DeadHolder>& dead) {
    if (!dead) {
        Py_RETURN_NONE;
    }
    Ref made(checked(PyStructSequence_New(dead_holder)));
    PyStructSequence_SET_ITEM(made.get(), 0, checked(PyLong_FromLong(dead->pid)));
    PyStructSequence_SET_ITEM(made.get(), 1, checked(PyLong_FromUnsignedLong(dead->uid)));
    PyStructSequence_SET_ITEM(made.get(), 2, checked(text(dead->program)));
    PyStructSequence_SET_ITEM(made.get(), 3, checked(PyFloat_FromDouble(seconds(dead->time))));
    return made.release();
}

PyObject* dictionary_of(const std::optional<ProcessInfo>& process) {
    if (!process) {
        Py_RETURN_NONE;
    }
    return Py_BuildValue("{sLsIsN}", "pid", static_cast<long long>(process->pid), "uid", process->uid,
                         "program", text(process->program));
}

PyObject* dictionary_of(const AttachmentInfo& one) {
    return Py_BuildValue("{sLsIsNsssd}", "pid", static_cast<long long>(one.pid), "uid", one.uid, "program",
                         text(one.program), "access", one.access == Access::write ? "write" : "read", "since",
                         seconds(one.since));
}

} // namespace memshare::python
