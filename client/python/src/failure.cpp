#include "client/python/src/failure.h"

#include "client/python/src/gil.h"
#include <memshare/error.hpp>

#include <array>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>

namespace memshare::python {
namespace {

// What each code is to Python: an OSError, and what multiprocessing or a file would raise besides.
struct Exception {
    Errc code{};
    const char* name = nullptr;
    PyObject** also = nullptr;
    int number = 0;
    const char* says = nullptr;
};

const std::array exceptions{
    Exception{Errc::no_such_segment, "NoSuchSegment", &PyExc_FileNotFoundError, ENOENT,
              "None has this name or id, or it has ended."},
    Exception{Errc::name_taken, "NameTaken", &PyExc_FileExistsError, EEXIST,
              "Another segment has this name."},
    Exception{Errc::type_mismatch, "TypeMismatch", &PyExc_TypeError, EINVAL,
              "The segment is of another form, element or length than expected."},
    Exception{Errc::access_denied, "AccessDenied", &PyExc_PermissionError, EACCES,
              "The segment's mode or owner does not allow it."},
    Exception{Errc::quota_exceeded, "QuotaExceeded", nullptr, EDQUOT, "A limit of the broker's is reached."},
    Exception{Errc::out_of_memory, "OutOfMemory", &PyExc_MemoryError, ENOMEM,
              "The machine cannot give this much."},
    Exception{Errc::invalid_argument, "InvalidArgument", &PyExc_ValueError, EINVAL,
              "A name, a length or another argument that cannot be."},
    Exception{Errc::no_broker, "NoBroker", &PyExc_ConnectionError, ENOTCONN, "Nobody listens at the socket."},
    Exception{Errc::broker_lost, "BrokerLost", &PyExc_ConnectionError, ECONNRESET,
              "The broker went away for too long, or did not answer, in the middle of a call."},
    Exception{Errc::busy, "Busy", nullptr, EBUSY, "Somebody still has it mapped for writing."},
    Exception{Errc::frozen, "Frozen", &PyExc_PermissionError, EACCES, "Nobody can write to it any more."},
};

PyObject* base = nullptr; // memshare.Error
std::array<PyObject*, exceptions.size()> classes{};

void raise(PyObject* type, int number, const char* sentence, const std::string& segment) {
    const Ref error(in_python([&] { return PyObject_CallFunction(type, "is", number, sentence); }));
    const Ref about(
        segment.empty()
            ? Py_NewRef(Py_None)
            : PyUnicode_DecodeUTF8(segment.data(), static_cast<Py_ssize_t>(segment.size()), "replace"));
    if (error && about &&
        in_python([&] { return PyObject_SetAttrString(error.get(), "segment", about.get()); }) == 0) {
        PyErr_SetObject(type, error.get());
    }
}

void tell(const Error& error) {
    if (error.code().category() == std::system_category() ||
        error.code().category() == std::generic_category()) {
        const bool is_lock = error.code() == std::errc::operation_not_permitted;
        if (is_lock) { // the words of multiprocessing's locks are an assertion's
            PyErr_SetString(PyExc_AssertionError, error.what());
        } else {
            raise(base, error.code().value(), error.what(), error.segment());
        }
        return;
    }
    for (std::size_t i = 0; i < exceptions.size(); ++i) {
        if (error.code() == exceptions.at(i).code) {
            raise(classes.at(i), exceptions.at(i).number, error.what(), error.segment());
            return;
        }
    }
    raise(base, EPROTO, error.what(), error.segment());
}

} // namespace

void tell_python() noexcept {
    try {
        throw;
    } catch (const Told&) { // NOLINT(bugprone-empty-catch): it knows
    } catch (const Error& error) {
        tell(error);
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::invalid_argument& error) {
        PyErr_SetString(PyExc_ValueError, error.what());
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    } catch (...) {
        PyErr_SetString(PyExc_SystemError, "memshare: something was thrown that is no exception");
    }
}

int add_exceptions(PyObject* module) {
    base = PyErr_NewExceptionWithDoc(
        "memshare.Error",
        "What went wrong, in a sentence; .segment is the name or id of what it is about, or None.",
        PyExc_OSError, nullptr);
    if (base == nullptr || PyObject_SetAttrString(base, "segment", Py_None) < 0 ||
        PyModule_AddObjectRef(module, "Error", base) < 0) {
        return -1;
    }
    for (std::size_t i = 0; i < exceptions.size(); ++i) {
        const Exception& one = exceptions.at(i);
        const Ref bases(one.also == nullptr ? PyTuple_Pack(1, base) : PyTuple_Pack(2, base, *one.also));
        const std::string name = std::string("memshare.") + one.name;
        classes.at(i) =
            bases ? PyErr_NewExceptionWithDoc(name.c_str(), one.says, bases.get(), nullptr) : nullptr;
        if (classes.at(i) == nullptr || PyModule_AddObjectRef(module, one.name, classes.at(i)) < 0) {
            return -1;
        }
    }
    return 0;
}

namespace {

PyObject* refuse(PyObject* type, const char* sentence) {
    return in_python([&]() -> PyObject* {
        PyErr_SetString(type, sentence);
        return nullptr;
    });
}

} // namespace

PyObject* refuse_to_write() {
    return refuse(PyExc_PermissionError, "this is mapped read-only: it cannot be written, nor locked");
}

PyObject* refuse_closed() { return refuse(PyExc_ValueError, "this handle is closed"); }

} // namespace memshare::python
