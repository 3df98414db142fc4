// A segment that this process has mapped, as an object of Python: what values, arrays, locks and views share.
#pragma once

#include "client/python/src/python.h"
#include <memshare/segment.hpp>

#include <memory>
#include <optional>
#include <string>

namespace memshare::python {

// Its memory stays mapped as long as anybody has this object: a handle that is closed only lets go of it, and
// views that were taken before stay good.
struct SegmentObject {
    PyObject_HEAD Segment* segment;
    std::byte* place; // of the elements
    Mutex* mutex;     // nothing, if it is read-only
    std::string* format;
    Py_ssize_t* shape; // of the buffer; strides follow it
    int dimensions;
    SegmentObject* next; // in the ring of all that this process has
    SegmentObject* previous;
    bool is_alone; // the broker does not know it yet
    PyObject* weakrefs;

    const SegmentInfo& info() const { return segment->info(); }
    bool is_readonly() const { return mutex == nullptr; }
};

PyTypeObject* segment_type();
bool is_segment(PyObject* object); // if not, Python has been told
int add_segment_type(PyObject* module);

// A new object for a segment. Throws Told.
PyObject* wrapped(Segment&& segment);

// What is this process's alone becomes one of the broker's, as others may come to have it: in a buffer, in a
// pickle, in a forked child, or asleep without the GIL. Throws.
void share(SegmentObject& self);

// All of them, as far as the broker has room; the rest stays this process's alone.
void share_all();
bool has_segments();

// In a forked child: attaches all, as far as the broker can. What its parent had no room to share is a copy,
// and from here on nobody's.
void attach_all_again();

// The buffer protocol of everything that shows this segment: the buffer is this object's.
int get_buffer(SegmentObject& self, Py_buffer* view, int flags);

// Waits for the lock, with the GIL only if it is free. False: Python has been told why not.
bool acquire_slowly(SegmentObject& self);
inline bool acquire(SegmentObject& self) {
    const bool has_it = !self.is_readonly() && guarded([&] { return self.mutex->try_lock() ? 1 : 0; }) == 1;
    return has_it || acquire_slowly(self);
}

// The same, but no longer than that: whether it has it now. Throws Told, if a signal ended it.
bool wait_for_lock(SegmentObject& self, const detail::Deadline& deadline);

} // namespace memshare::python
