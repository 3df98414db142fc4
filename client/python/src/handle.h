// A handle of a segment and its lock: what values and arrays have in common.
#pragma once

#include "client/python/src/element.h"
#include "client/python/src/failure.h"
#include "client/python/src/gil.h"
#include "client/python/src/locking.h"
#include "client/python/src/segment_object.h"

#include <optional>

namespace memshare::python {

// What every access needs at hand.
struct Ready {
    std::byte* place;
    ElementKind kind;
    Changes changes;
    Py_ssize_t size; // of an element
    Py_ssize_t length;
};

// (It is made by CPython, of zeros.)
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
struct Handle {
    PyObject_HEAD SegmentObject* segment; // nothing once it is closed, and nobody in its lock
    PyObject* type;                       // of an element, to ctypes
    PyObject* user_lock;                  // nothing: the segment's own
    PyObject* lock;                       // what get_lock() gives
    PyObject* object;                     // what get_obj() gives
    PyObject* weakrefs;
    Py_ssize_t entered; // how many times it was locked by this handle, and is not unlocked yet
    bool is_closed;
    bool is_single; // one item, not an array of one
    std::optional<Ready> ready;
};

inline Handle& as_handle(PyObject* object) { return *reinterpret_cast<Handle*>(object); }

// One operation of a handle, which keeps it and the segment until it is over. For Python code may run in the
// middle of it and close the handle, or freeze the segment: a number's __index__(), a lock of the user's, and
// other threads and signal handlers while this one waits. So whether it can be written is asked after the
// last of these.
class Use {
  public:
    // False as a bool: Python has been told why it cannot be used.
    explicit Use(Handle& handle) noexcept : handle_(handle) {
        notice_fork();
        if (handle.is_closed) [[unlikely]] {
            refuse_closed();
        } else if (handle.segment->is_orphan) [[unlikely]] {
            refuse_orphan(*handle.segment);
        } else {
            segment_ = handle.segment;
            Py_INCREF(reinterpret_cast<PyObject*>(segment_));
            Py_INCREF(object());
        }
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() {
        if (segment_ != nullptr) {
            Py_DECREF(reinterpret_cast<PyObject*>(segment_));
            Py_DECREF(object());
        }
    }

    explicit operator bool() const noexcept { return segment_ != nullptr; }
    SegmentObject& segment() const noexcept { return *segment_; }
    const Ready& ready() const noexcept { return *handle_.ready; }
    PyObject* type() const noexcept { return handle_.type; }

    // False: Python has been told.
    bool is_writable() const noexcept {
        if (segment_->is_readonly()) [[unlikely]] {
            refuse_to_write();
            return false;
        }
        return true;
    }

    // Takes the lock, if there is one: what is read-only is read without. False: Python has been told.
    bool enter() const noexcept {
        if (handle_.user_lock != nullptr) [[unlikely]] {
            return enter_users_lock();
        }
        return segment_->is_readonly() || acquire(*segment_);
    }
    bool enter_to_write() const noexcept {
        if (!is_writable() || !enter()) {
            return false;
        }
        if (is_writable()) {
            return true;
        }
        static_cast<void>(leave());
        return false;
    }

    // Gives it back, also after an error, which stays. False, if there is one.
    bool leave() const noexcept {
        if (handle_.user_lock != nullptr) [[unlikely]] {
            return leave_users_lock();
        }
        return segment_->is_readonly() || release(*segment_);
    }

    // Whether nobody else has the lock, and as long as this thread has the GIL nobody else can: what only
    // this process knows need not be locked for one access.
    bool is_undisturbed() const noexcept {
        return handle_.user_lock == nullptr && segment_->is_alone &&
               (segment_->segment->header().lock.word.load(std::memory_order_relaxed) == 0 ||
                segment_->mutex->is_held());
    }

    // Tells who waits that an element has changed.
    void announce() const noexcept {
        if (!segment_->is_readonly()) {
            ready().changes.announce();
        }
    }
    void notify_all() const noexcept { // also who waits for a version
        if (!segment_->is_readonly()) {
            ready().changes.notify_all();
        }
    }

  private:
    static void refuse_orphan(const SegmentObject& segment) noexcept;
    bool enter_users_lock() const noexcept;
    bool leave_users_lock() const noexcept;

    PyObject* object() const noexcept { return reinterpret_cast<PyObject*>(&handle_); }

    Handle& handle_;
    SegmentObject* segment_ = nullptr;
};

// Calls a method without arguments; empty: Python has been told.
Ref call_method(PyObject* object, const char* name);

// The ctypes object inside, which the package makes, once.
PyObject* get_obj(PyObject* handle, PyObject* none);

// Adds the type that the others have as their base, and returns it; nothing: Python has been told.
PyTypeObject* add_handle_type(PyObject* module);

// The buffer of a handle, with the type and dimensions of its elements. (handle_buffer.cpp)
// As Py_bf_getbuffer: -1: Python has been told.
int get_handle_buffer(PyObject* handle, Py_buffer* view, int flags);

// As Py_nb_int and Py_nb_float: TypeError. Without them int() and float() would read the bytes of the buffer
// as digits.
PyObject* refuse_int(PyObject* handle);
PyObject* refuse_float(PyObject* handle);

} // namespace memshare::python
