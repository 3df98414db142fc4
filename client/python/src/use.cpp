// What an operation of a handle does seldom: the refusal of an orphan, and a lock of the user's.
#include "client/python/src/handle.h"

namespace memshare::python {

Ref call_method(PyObject* object, const char* name) {
    return Ref(in_python([&] { return PyObject_CallMethod(object, name, nullptr); }));
}

void Use::refuse_orphan(const SegmentObject& segment) noexcept {
    guarded([&] {
        expect_no_orphan(segment);
        return 0;
    });
}

bool Use::enter_users_lock() const noexcept {
    return static_cast<bool>(call_method(handle_.user_lock, "acquire"));
}

bool Use::leave_users_lock() const noexcept {
    PyObject* type = nullptr;
    PyObject* value = nullptr;
    PyObject* trace = nullptr;
    PyErr_Fetch(&type, &value, &trace);
    const Ref released = call_method(handle_.user_lock, "release");
    if (type == nullptr) {
        return static_cast<bool>(released);
    }
    PyErr_Restore(type, value, trace);
    return false;
}

} // namespace memshare::python
