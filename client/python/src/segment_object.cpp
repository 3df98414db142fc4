#include "client/python/src/segment_object.h"

#include "client/python/src/patience.h"

#include <string>

namespace memshare::python {
namespace {

SegmentObject* oldest = nullptr; // the newest is before it in the ring

std::optional<Error> not_shared_because; // at the last fork
std::optional<Error> orphaned_because;

// Calls each(segment), until it says false.
void for_all(auto each) {
    SegmentObject* one = oldest;
    if (one == nullptr) {
        return;
    }
    do {
        if (!each(*one)) {
            return;
        }
        one = one->next;
    } while (one != oldest);
}

// With the GIL held, so that nobody uses it meanwhile.
void share_now(SegmentObject& self) {
    if (self.is_alone) {
        self.segment->share();
        self.is_alone = false;
    }
}

// In a forked child, which has no other thread yet. Whether it makes sense to go on with others.
bool attach_soon(SegmentObject& self) noexcept {
    try {
        const CallLimit soon(longest_at_fork);
        self.segment->attach_again();
        self.is_apart = false;
    } catch (const Error& error) {
        return !is_away(error);
    } catch (...) {
        return false;
    }
    return true;
}

} // namespace

// A child that is forked in the middle of these, by a thread without the GIL, can still go round by `next`.
void link(SegmentObject& fresh) {
    notice_fork();
    if (oldest == nullptr) {
        oldest = fresh.next = fresh.previous = &fresh;
        return;
    }
    fresh.next = oldest;
    fresh.previous = oldest->previous;
    fresh.previous->next = &fresh;
    oldest->previous = &fresh;
}

void unlink(SegmentObject& ending) {
    if (oldest == &ending) {
        oldest = ending.next == &ending ? nullptr : ending.next;
    }
    ending.previous->next = ending.next;
    ending.next->previous = ending.previous;
}

bool has_segments() { return oldest != nullptr; }

void expect_no_orphan(const SegmentObject& self) {
    notice_fork();
    if (!self.is_orphan) {
        return;
    }
    if (!orphaned_because) { // another thread has made it after all were shared, or nothing was
        throw Error(
            Errc::no_such_segment,
            "this is not shared with the process that made it, and forked this one as it was made, or by a "
            "bare clone(2): give it a name, or fork by os.fork() or fork(3)");
    }
    throw Error(
        orphaned_because->code(),
        std::string("this could not be shared when its process was forked: ") + orphaned_because->what());
}

void share(SegmentObject& self, const detail::Deadline& deadline) {
    expect_no_orphan(self);
    if (self.is_alone) {
        patiently(
            [&] {
                expect_no_orphan(self); // as a signal handler may have forked
                share_now(self);
            },
            deadline);
    }
}

void make_sure_of(SegmentObject& self, const detail::Deadline& deadline) {
    expect_no_orphan(self);
    if (self.is_apart) {
        patiently_without_gil([&] { self.segment->attach_again(); }, deadline);
        self.is_apart = false;
    }
}

namespace {

// Calls share(), which throws why not all are: that is kept for children that are forked, and returned.
std::optional<Error> why_not_all(auto share) noexcept {
    not_shared_because.reset();
    try {
        share();
    } catch (const Error& error) {
        not_shared_because = error;
    } catch (const Told&) {
        not_shared_because = Error(Errc::broker_lost, "a signal ended the wait for the broker");
    } catch (...) {
        not_shared_because = Error(Errc::out_of_memory, "there was no memory for it");
    }
    return not_shared_because;
}

void share_all_now() {
    for_all([](SegmentObject& one) {
        share_now(one);
        return true;
    });
}

} // namespace

std::optional<Error> share_all() noexcept {
    return why_not_all([] {
        const CallLimit soon(longest_with_gil);
        share_all_now();
    });
}

// Each attempt goes through all anew, as others may have made and dropped some in between.
std::optional<Error> share_all_patiently(const detail::Deadline& deadline, Signals signals) noexcept {
    return why_not_all([&] { patiently(share_all_now, deadline, signals); });
}

std::vector<Ref> all_segments() {
    std::vector<Ref> all;
    for_all([&](SegmentObject& one) {
        all.push_back(Ref::to(reinterpret_cast<PyObject*>(&one)));
        return true;
    });
    return all;
}

// What is read-only needs no session: it has no lock, and a wait for its changes attaches it.
void adopt_all() noexcept {
    for_all([](SegmentObject& one) {
        one.sleepers = 0; // those are its parent's
        if (one.is_alone) {
            one.is_alone = false;
            one.is_orphan = true;
            orphaned_because = not_shared_because;
        } else if (!one.is_readonly() && one.segment->access() == Access::read) {
            one.mutex = nullptr; // a child of an exclusive writer only reads
        } else if (!one.is_orphan && !one.is_readonly()) {
            one.is_apart = true;
        }
        return true;
    });
}

void attach_all_again() noexcept {
    ForkNotice::take();
    adopt_all();
    for_all([](SegmentObject& one) { return !one.is_apart || attach_soon(one); });
}

} // namespace memshare::python
