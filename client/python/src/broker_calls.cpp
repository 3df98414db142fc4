#include "client/python/src/broker_calls.h"

#include "client/python/src/descriptions.h"
#include "client/python/src/number.h"
#include "client/python/src/patience.h"
#include "client/python/src/segment_type.h"
#include <memshare/broker.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace memshare::python {
namespace {

constexpr std::array lifetimes{"creator", "attached", "persistent"};

PyObject* usage_of(const Usage& usage) {
    return Py_BuildValue("(s{sKsK})", usage.resource.c_str(), "used",
                         static_cast<unsigned long long>(usage.used), "limit",
                         static_cast<unsigned long long>(usage.limit));
}

std::string string_from(PyObject* object) {
    Py_ssize_t size = 0;
    const char* words = PyUnicode_AsUTF8AndSize(object, &size);
    if (words == nullptr) {
        throw Told();
    }
    return {words, static_cast<std::size_t>(size)};
}

// All that this process knows alone is told to the broker.
void share_first() {
    const auto why_not = share_all_patiently({}, Signals::heard);
    if (PyErr_Occurred() != nullptr) {
        throw Told();
    }
    if (why_not && is_away(*why_not)) {
        throw Error(*why_not);
    }
}

// Asks without the GIL, and once more if the broker was away, so that signals are heard.
auto ask(auto question) {
    share_first();
    std::optional<decltype(question(Broker::local()))> answer;
    patiently_without_gil([&] { answer = question(Broker::local()); });
    return *std::move(answer);
}

// The same for what is to be done once.
void order(auto call) {
    share_first();
    const WithoutGil others_run;
    call(Broker::local());
}

} // namespace

PyObject* info(PyObject* /*module*/, PyObject* segment) {
    return guarded([&]() -> PyObject* {
        if (!is_segment(segment)) {
            return nullptr;
        }
        auto& of = *reinterpret_cast<SegmentObject*>(segment);
        share(of);
        return dictionary_of(of.info());
    });
}

PyObject* list(PyObject* /*module*/, PyObject* pattern) {
    return guarded([&]() -> PyObject* {
        const std::string wanted = string_from(pattern);
        const auto found = ask([&](Broker& broker) { return broker.list(wanted); });
        return tuple_of(found, [](const SegmentInfo& one) { return dictionary_of(one); });
    });
}

PyObject* describe(PyObject* /*module*/, PyObject* name_or_id) {
    return guarded([&]() -> PyObject* {
        const std::string wanted = string_from(name_or_id);
        const auto found = ask([&](Broker& broker) { return broker.describe(wanted); });
        Ref info(checked(dictionary_of(found.segment)));
        Ref attachments(checked(
            tuple_of(found.attachments, [](const AttachmentInfo& one) { return dictionary_of(one); })));
        const LockInfo& lock = found.lock;
        return Py_BuildValue(
            "{sNsNs{sNsOsKsN}}", "segment", info.release(), "attachments", attachments.release(), "lock",
            "holder", dictionary_of(lock.holder), "waiting", lock.waiting ? Py_True : Py_False, "recoveries",
            static_cast<unsigned long long>(lock.recoveries), "last_recovery", shown(lock.last_recovery));
    });
}

PyObject* destroy(PyObject* /*module*/, PyObject* name_or_id) {
    return guarded([&]() -> PyObject* {
        const std::string wanted = string_from(name_or_id);
        order([&](Broker& broker) { broker.destroy(wanted); });
        Py_RETURN_NONE;
    });
}

PyObject* change(PyObject* /*module*/, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject* name_or_id = nullptr;
        const char* lifetime = nullptr;
        PyObject* mode = nullptr;
        PyObject* group = nullptr;
        if (PyArg_ParseTuple(arguments, "UzOO", &name_or_id, &lifetime, &mode, &group) == 0) {
            return nullptr;
        }
        Changed changed;
        if (lifetime != nullptr) {
            const auto* const found = std::ranges::find(lifetimes, std::string_view(lifetime));
            if (found == lifetimes.end()) {
                PyErr_Format(PyExc_ValueError,
                             "a lifetime is 'creator', 'attached' or 'persistent', not '%s'", lifetime);
                return nullptr;
            }
            changed.lifetime = static_cast<Lifetime>(found - lifetimes.begin());
        }
        const auto number = [](PyObject* from) -> std::optional<std::uint32_t> {
            return from == Py_None ? std::nullopt : std::optional(word_from(from));
        };
        changed.mode = number(mode);
        changed.group = number(group);
        const std::string wanted = string_from(name_or_id);
        order([&](Broker& broker) { broker.change(wanted, changed); });
        Py_RETURN_NONE;
    });
}

PyObject* statistics(PyObject* /*module*/, PyObject* /*none*/) {
    return guarded([&]() -> PyObject* {
        const auto told = ask([](Broker& broker) { return broker.statistics(); });
        Ref total(checked(tuple_of(told.total, usage_of)));
        return Py_BuildValue("{sLsdsN}", "pid", static_cast<long long>(told.pid), "started",
                             seconds(told.started), "total", total.release());
    });
}

PyObject* version(PyObject* /*module*/, PyObject* /*none*/) {
    return guarded([&]() -> PyObject* { return text(ask([](Broker& broker) { return broker.version(); })); });
}

} // namespace memshare::python
