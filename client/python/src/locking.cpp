#include "client/python/src/locking.h"

#include "client/python/src/failure.h"
#include "client/python/src/sleep.h"

namespace memshare::python {

bool wait_for_lock(SegmentObject& self, const detail::Deadline& deadline) {
    return sleep(self, deadline, [&](auto time) { return self.mutex->try_lock_until(time); });
}

bool acquire_slowly(SegmentObject& self) {
    if (PyErr_Occurred() != nullptr) {
        return false; // it tried, and Python has been told
    }
    if (self.is_readonly()) {
        refuse_to_write();
        return false;
    }
    return guarded([&] {
               make_sure_of(self);
               return wait_for_lock(self, {}) ? 1 : 0;
           }) == 1;
}

} // namespace memshare::python
