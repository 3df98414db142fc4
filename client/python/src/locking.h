// Taking the lock of a segment, and giving it back.
#pragma once

#include "client/python/src/segment_object.h"

namespace memshare::python {

// Waits for the lock, with the GIL only if it is free. False: Python has been told why not.
bool acquire_slowly(SegmentObject& self);
inline bool acquire(SegmentObject& self) {
    notice_fork();
    const bool can_try = !self.is_readonly() && !self.is_orphan && !self.is_apart;
    const bool has_it = can_try && guarded([&] { return self.mutex->try_lock() ? 1 : 0; }) == 1;
    return has_it || acquire_slowly(self);
}

// The same, but no longer than that: whether it has it now. Throws Told, if a signal ended it; Error.
bool wait_for_lock(SegmentObject& self, const detail::Deadline& deadline);

// Whether anybody has it.
inline bool is_locked(const SegmentObject& self) {
    return abi::holder_of(self.segment->header().lock.word.load()) != 0;
}

// Takes back one. False: Python has been told why not.
inline bool release(SegmentObject& self) {
    return guarded([&] {
               self.mutex->unlock();
               return 0;
           }) == 0;
}

} // namespace memshare::python
