// memshare._core: what has to be fast, or to call the library, in the package memshare.
#include "client/python/src/array_type.h"
#include "client/python/src/broker_calls.h"
#include "client/python/src/creation.h"
#include "client/python/src/descriptions.h"
#include "client/python/src/end_events.h"
#include "client/python/src/failure.h"
#include "client/python/src/fork.h"
#include "client/python/src/handle.h"
#include "client/python/src/lock_object.h"
#include "client/python/src/segment_type.h"
#include "client/python/src/value_type.h"
#include "client/python/src/watch_object.h"

#include <array>

namespace memshare::python {
namespace {

std::array functions{
    PyMethodDef{"create", method(create), METH_VARARGS | METH_KEYWORDS, "Makes a segment."},
    PyMethodDef{"open", method(open), METH_VARARGS | METH_KEYWORDS, "Maps a segment that there is."},
    PyMethodDef{"lock", lock_of, METH_O, "A lock object of a segment's lock."},
    PyMethodDef{"watch", watch, METH_O, "A descriptor for event loops."},
    PyMethodDef{"info", info, METH_O, "What a segment was like when it was made or opened."},
    PyMethodDef{"list", list, METH_O, "The segments that this process may read."},
    PyMethodDef{"describe", describe, METH_O, "All about one."},
    PyMethodDef{"destroy", destroy, METH_O, "Ends one."},
    PyMethodDef{"change", change, METH_VARARGS, "Changes one's lifetime, mode or group."},
    PyMethodDef{"statistics", statistics, METH_NOARGS, "What is used of which limits."},
    PyMethodDef{"version", version, METH_NOARGS, "The version of the broker."},
    PyMethodDef{"watch_ends", watch_ends, METH_O, "Calls each(id) of segments that end."},
    PyMethodDef{"before_fork", before_fork, METH_NOARGS, nullptr},
    PyMethodDef{"after_fork_in_parent", after_fork_in_parent, METH_NOARGS, nullptr},
    PyMethodDef{"after_fork_in_child", after_fork_in_child, METH_NOARGS, nullptr},
    PyMethodDef{nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition{PyModuleDef_HEAD_INIT,
                       "memshare._core",
                       nullptr,
                       -1,
                       functions.data(),
                       nullptr,
                       nullptr,
                       nullptr,
                       nullptr};

} // namespace
} // namespace memshare::python

PyMODINIT_FUNC PyInit__core() { // NOLINT(bugprone-reserved-identifier): Python looks for this name
    using namespace memshare::python;
    Ref module(PyModule_Create(&definition));
    if (!module || add_exceptions(module.get()) < 0 || add_descriptions(module.get()) < 0 ||
        add_segment_type(module.get()) < 0 || add_lock_type(module.get()) < 0 ||
        add_watch_type(module.get()) < 0) {
        return nullptr;
    }
    PyTypeObject* base = add_handle_type(module.get());
    if (base == nullptr || add_value_type(module.get(), base) < 0 || add_array_type(module.get(), base) < 0) {
        return nullptr;
    }
    return module.release();
}
