// A segment that this process has mapped, as an object of Python: what values, arrays, locks and views share.
#pragma once

#include "client/python/src/fork_notice.h"
#include "client/python/src/patience.h"
#include "client/python/src/python.h"
#include <memshare/error.hpp>
#include <memshare/segment.hpp>

#include <optional>
#include <string>
#include <vector>

namespace memshare::python {

// Its memory stays mapped as long as anybody has this object: a handle that is closed only lets go of it, and
// views that were taken before stay good.
struct SegmentObject {
    PyObject_HEAD Segment* segment;
    std::byte* place;    // of the elements
    Mutex* mutex;        // nothing, if it is read-only
    SegmentObject* next; // in the ring of all that this process has
    SegmentObject* previous;
    bool is_alone;    // the broker does not know it yet
    bool is_orphan;   // a forked child's copy of what was alone
    bool is_apart;    // a forked child's that could not be attached yet
    Py_ssize_t views; // buffers through which it can be written
    Py_ssize_t sleepers;
    PyObject* weakrefs;

    const SegmentInfo& info() const { return segment->info(); }
    bool is_readonly() const { return mutex == nullptr; }
};

// The ring of all segments is only touched with the GIL held.
void link(SegmentObject& fresh);
void unlink(SegmentObject& ending);
bool has_segments();

// To be called before anything else is looked at: a child that C code has forked learns here, instead of by
// Python's hooks, that it has to attach what is shared, and that the rest is a copy.
void adopt_all() noexcept;
inline void notice_fork() noexcept {
    if (ForkNotice::take()) [[unlikely]] {
        adopt_all();
    }
}

// Throws Error, if this is a forked child's copy: why it is no more than that.
void expect_no_orphan(const SegmentObject& self);

// The same, and attaches what is not, without the GIL, which waits for a broker that is away, until the
// deadline at most. Throws Error, Told.
void make_sure_of(SegmentObject& self, const detail::Deadline& deadline = {});

// What is this process's alone becomes one of the broker's, as others may come to have it: in a buffer, in a
// pickle, in a forked child, or asleep without the GIL. Waits for a broker that is away, until the deadline
// at most. Throws Error, Told.
void share(SegmentObject& self, const detail::Deadline& deadline = {});

// All of them, as far as the broker has room, and is there; the rest stays this process's alone, as is
// returned why. A child that is forked then says so when it is to use the rest.
std::optional<Error> share_all() noexcept;

// The same, and tries again until the deadline, if the broker is away; others may run Python in between.
std::optional<Error> share_all_patiently(const detail::Deadline& deadline, Signals signals) noexcept;

// References to all of them.
std::vector<Ref> all_segments();

// In a forked child: attaches all, as far as the broker can, and what was not shared is an orphan from here
// on.
void attach_all_again() noexcept;

} // namespace memshare::python
