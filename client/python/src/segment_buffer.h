// The elements of a segment as a buffer: for numpy, ctypes and memoryviews.
#pragma once

#include "client/python/src/segment_object.h"

namespace memshare::python {

// A value of two slots lies now here, now there.
bool is_in_one_place(const SegmentInfo& info);

// The buffer protocol of everything that shows this segment: the buffer is this object's.
int get_buffer(SegmentObject& self, Py_buffer* view, int flags);
void release_buffer(SegmentObject& self, const Py_buffer& view);

} // namespace memshare::python
