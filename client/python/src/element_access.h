// Accesses to one element by a handle: in the lock, or each as one atomic step without it.
#pragma once

#include "client/python/src/handle.h"

#include <optional>

namespace memshare::python {

// --- in the lock ---

inline PyObject* get_element(const Use& use, std::byte* place) {
    const ElementKind kind = use.ready().kind;
    if (use.is_undisturbed()) {
        return shown(kind, read(kind, place));
    }
    if (!use.enter()) {
        return nullptr;
    }
    const Bits bits = read(kind, place);
    return use.leave() ? shown(kind, bits) : nullptr;
}

// False: Python has been told. Who waits has not.
inline bool set_element(const Use& use, std::byte* place, Bits bits) {
    const ElementKind kind = use.ready().kind;
    if (use.is_undisturbed()) {
        write(kind, place, bits);
        return true;
    }
    if (!use.enter_to_write()) {
        return false;
    }
    write(kind, place, bits);
    return use.leave();
}

// --- without ---

PyObject* load_element(const Use& use, std::byte* place);

// What they have been given is taken as ctypes takes it. Nothing, false and -1: Python has been told. Who
// waits has not.
bool store_element(const Use& use, std::byte* place, PyObject* from);
std::optional<Bits> exchanged(const Use& use, std::byte* place, PyObject* from); // what was before
std::optional<Bits> added(const Use& use, std::byte* place, PyObject* from);     // what was before
int compared_exchanged(const Use& use, std::byte* place, PyObject* expected,
                       PyObject* desired); // 1: it was as expected; or 0

inline PyObject* shown_if(const Use& use, const std::optional<Bits>& bits) {
    return bits ? shown(use.ready().kind, *bits) : nullptr;
}

// False: Python has been told.
bool has_arguments(Py_ssize_t has, Py_ssize_t needs);

} // namespace memshare::python
