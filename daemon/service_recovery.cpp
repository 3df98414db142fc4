// What the service does with the memory that a session leaves: it passes on locks and corrects counts.
#include "daemon/clock.h"
#include "daemon/description.h"
#include "daemon/service.h"

#include <utility>

namespace memshare::daemon {

using proto::Access;

namespace {

std::string sentence_of(const std::string& segment, const proto::Process& dead) {
    return "the lock of " + segment + " goes on to the next one: " + dead.program + " (pid " +
           std::to_string(dead.pid) + ", uid " + std::to_string(dead.uid) + ") ended holding it";
}

} // namespace

// Whether the session holds the lock, and the daemon can pass it on.
bool Service::can_pass_on(const Segment& segment, HolderId dead) {
    const bool is_sealed =
        segment.is_frozen() || (segment.is.exclusive_writer && segment.memory->is_closed_to_new_writers());
    return !is_sealed && holds_lock(*segment.memory, dead);
}

// What is urgent is a lock that can be passed on. It is noted as recovered before it is: its next holder may
// ask at once from which process.
void Service::mend(Segment& segment, HolderId dead, const proto::Process& process, Priority priority,
                   KeepAlive keep_alive) {
    const bool held = priority == Priority::urgent;
    const std::optional<proto::DeadHolder> before = segment.last_recovery;
    if (held) {
        note_recovery(segment, process);
    }
    executor_({.uid = segment.is.rights.uid,
               .memory = segment.memory.get(),
               .priority = priority,
               .run = [this, id = segment.is.id, remains = segment.remains(), dead, held, before, process,
                       keep_alive = std::move(keep_alive)]() mutable -> Completion {
                   auto recovered = recover(remains, dead);
                   return [this, id, held, before, process, recovered = std::move(recovered),
                           keep_alive = std::move(keep_alive)] {
                       if (!recovered) {
                           tell_loss(recovered.error());
                       }
                       if (held) {
                           recovered ? tell_recovery(id, process) : withdraw_recovery(id, before);
                       }
                   };
               }});
}

void Service::note_recovery(Segment& segment, const proto::Process& dead) {
    ++segment.recoveries;
    ++counters_.recoveries;
    segment.last_recovery = {
        .pid = dead.pid, .uid = dead.uid, .program = dead.program, .time_usec = now_usec()};
    archive_.keep(segment);
}

void Service::withdraw_recovery(const proto::SegmentId& id, const std::optional<proto::DeadHolder>& before) {
    --counters_.recoveries;
    if (Segment* segment = registry_.find_even_ended(id)) {
        --segment->recoveries;
        segment->last_recovery = before;
        archive_.keep(*segment);
    }
}

void Service::tell_recovery(const proto::SegmentId& id, const proto::Process& dead) {
    const Segment* segment = registry_.find_even_ended(id);
    const std::string name = segment != nullptr ? name_of(*segment) : id.text();
    tell_({.event = Report::Event::lock_recovered,
           .sentence = sentence_of(name, dead),
           .segment = name,
           .process = dead});
    if (segment != nullptr) {
        tell_watchers(proto::EventKind::lock_recovered, *segment, dead);
    }
}

void Service::tell_loss(const proto::Error& error) {
    tell_(
        {.event = Report::Event::lock_lost, .sentence = "a lock may stay held: cannot " + error.sentence()});
}

// Of a session that has detached: its process lives, and no log needs to say that it kept a lock too long.
void Service::recover_one(Held held) {
    const void* memory = held.remains.memory.get();
    executor_({.uid = held.owner,
               .memory = memory,
               .priority = Priority::urgent,
               .run = [this, held = std::move(held)]() mutable -> Completion {
                   auto recovered = recover_lock(held.remains, held.holder);
                   return [this, recovered = std::move(recovered), done = std::move(held)] {
                       if (!recovered) {
                           tell_loss(recovered.error());
                       }
                   };
               }});
}

// The count is stored whole, in the order of the changes: whatever stood there before, it is right then.
void Service::update_watchers(const Segment& segment) {
    executor_({.uid = segment.is.rights.uid,
               .memory = segment.memory.get(),
               .priority = Priority::urgent,
               .run = [this, remains = segment.remains(), count = segment.waiting]() -> Completion {
                   auto stored = set_watchers(remains, count);
                   if (stored) {
                       return nullptr;
                   }
                   return [this, stored = std::move(stored)] { tell_loss(stored.error()); };
               }});
}

// Takes back one handle. What it leaves in the memory is mended. Nothing, if the session has no such handle.
std::optional<Registry::Left> Service::take_back(Session& session, Segment& segment,
                                                 std::optional<Access> access) {
    auto left = registry_.detach(session, segment, access);
    if (!left || left->segment == nullptr) {
        return left;
    }
    if (left->waited) {
        update_watchers(segment);
    }
    if (left->written && holds_lock(*segment.memory, session.holder)) {
        note_recovery(segment, session.process());
        tell_recovery(segment.is.id, session.process());
        recover_one({.remains = segment.remains(),
                     .owner = segment.is.rights.uid,
                     .holder = session.holder,
                     .record = std::move(left->record)});
    }
    return left;
}

} // namespace memshare::daemon
