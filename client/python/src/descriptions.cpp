#include "client/python/src/descriptions.h"

#include "client/python/src/element.h"

#include <array>
#include <chrono>

namespace memshare::python {
namespace {

constexpr std::array lifetimes{"creator", "attached", "persistent"};
constexpr std::array pages{"no", "transparent", "2M", "1G"};

} // namespace

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

PyObject* dictionary_of(const std::optional<DeadHolder>& dead) {
    if (!dead) {
        Py_RETURN_NONE;
    }
    return Py_BuildValue("{sLsIsNsd}", "pid", static_cast<long long>(dead->pid), "uid", dead->uid, "program",
                         text(dead->program), "time", seconds(dead->time));
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
