// The memory of a segment as a buffer of Python's (PEP 3118): a memoryview, a numpy array, a ctypes object.
#pragma once

#include "client/python/src/segment_object.h"

#include <vector>

namespace memshare::python {

// Whether an element always lies in the same place.
bool is_in_one_place(const SegmentInfo& info);

// What a buffer tells of the memory.
struct BufferLayout {
    Ref format;                    // bytes, or nothing for plain bytes
    std::vector<Py_ssize_t> shape; // of each dimension, the outermost first; empty for a single item
    Py_ssize_t item_size = 1;      // bytes
};

// Fills in a view, which keeps the segment mapped and is released by release_buffer(). -1: Python has been
// told. BufferError: a value in two slots has no one place, or it is read-only and the view is to write.
int get_buffer(SegmentObject& self, BufferLayout layout, Py_buffer* view, int flags);
int get_bytes_buffer(SegmentObject& self, Py_buffer* view, int flags); // all of its elements as plain bytes
void release_buffer(SegmentObject& self, const Py_buffer& view);

} // namespace memshare::python
