#include "client/python/src/versions.h"

#include "client/python/src/element.h"
#include "client/python/src/patience.h"
#include "client/python/src/sleep.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

namespace memshare::python {
namespace {

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

// Waits until changed() is so.
PyObject* wait_until(SegmentObject& self, const detail::Deadline& deadline, auto changed) {
    const bool so =
        sleep(self, deadline, [&](auto time) { return self.segment->changes().wait(changed, time); });
    return PyBool_FromLong(so ? 1 : 0);
}

} // namespace

PyObject* version_method(SegmentObject& self, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject* timeout = Py_None;
        if (PyArg_ParseTuple(arguments, "|O", &timeout) == 0) {
            return nullptr;
        }
        const auto deadline = deadline_of(timeout);
        std::uint64_t count = 0;
        try {
            share(self, deadline);
            const Sleeper user(self);                // so that nobody takes the memory away
            count = self.segment->changes().count(); // first, as Value::version() does
            patiently_without_gil([&] { self.segment->changes().attend(); }, deadline);
        } catch (const Error& error) {
            if (!is_over(error, deadline)) {
                throw;
            }
        }
        const Version now(count, bits_of(self).all);
        return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bytes_of(now).data()), sizeof(now));
    });
}

PyObject* wait_method(SegmentObject& self, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
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
        if (old.size() != self.info().size_bytes) {
            PyErr_SetString(PyExc_TypeError, "the value that was seen is of another size");
            return nullptr;
        }
        if (self.info().form == Form::array) { // a value in one place
            return wait_until(self, deadline,
                              [&] { return std::memcmp(self.place, old.data(), old.size()) != 0; });
        }
        std::vector<std::byte> now(old.size());
        return wait_until(self, deadline, [&] {
            self.segment->load(now);
            return !std::ranges::equal(now, old);
        });
    });
}

} // namespace memshare::python
