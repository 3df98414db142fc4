// The methods that give a session a segment, and take it back.
#include "daemon/clock.h"
#include "daemon/description.h"
#include "daemon/recovery.h"
#include "daemon/service.h"
#include "daemon/shortage.h"

namespace memshare::daemon {

using proto::Access;
using proto::AccessDenied;
using proto::Answer;
using proto::invalid;
using proto::NoSuchSegment;
using proto::Nothing;
using proto::Refusal;

namespace {

// Whether a numbered Attach is one that has been carried out: its answer was lost.
bool is_repeated(const Session& session, const proto::Attach& call) {
    return call.serial && *call.serial == session.last_attach_serial;
}

// Whether a call is made for the first time, as far as it bears a number; from here on it is not.
bool counts(Session& session, std::optional<std::uint64_t> serial) {
    if (serial && *serial <= session.last_serial) {
        return false;
    }
    session.last_serial = serial.value_or(session.last_serial);
    return true;
}

} // namespace

// Before anybody but its creator has it: the creator has mapped it by then.
Answer<void> Service::close_to_other_writers(Segment& segment) {
    if (!segment.is.exclusive_writer || segment.closed_to_writers) {
        return {};
    }
    if (const auto closed = segment.memory->forbid_new_writers(); !closed) {
        return std::unexpected(refusal_of(closed.error(), 0));
    }
    segment.closed_to_writers = true;
    return {};
}

// It is counted by now; whoever has gone meanwhile is counted no more.
void Service::note_watcher(HolderId holder, const proto::SegmentId& id) {
    Segment* const segment = registry_.find_even_ended(id);
    Session* const session = registry_.find_session(holder);
    if (segment == nullptr) {
        return;
    }
    const auto known =
        session != nullptr ? session->attachments.find(segment) : Session::Attachments::iterator();
    if (session == nullptr || known == session->attachments.end()) {
        take_back_watcher(*segment);
        return;
    }
    known->second.waits = true;
    archive_.keep(*session, *segment, known->second);
}

// The one for reading is counted as its owner's from when it is first asked for.
Answer<int> Service::descriptor_for(Access access, Segment& segment, std::uint32_t asking) {
    if (access == Access::write) {
        return segment.memory->writable();
    }
    if (!segment.memory->is_open_read_only()) {
        auto charge = quota_.charge_for_another(segment.is.rights.uid, asking, Resource::descriptors,
                                                proto::limits::descriptors_for_reading);
        if (!charge) {
            return std::unexpected(charge.error());
        }
        segment.reading_charge = *std::move(charge);
    }
    const auto fd = segment.memory->read_only();
    if (!fd) {
        segment.reading_charge = {};
        return std::unexpected(refusal_of(fd.error(), 0));
    }
    return *fd;
}

// The segment, if this session may attach it so, and it is what the caller expects.
Answer<Segment*> Service::find_to_attach(const Session& session, const proto::Attach& call) {
    if (call.serial && *call.serial <= session.last_serial) {
        return invalid("serial"); // it is late: what came after it has been carried out
    }
    const proto::SegmentReference reference{call.name, call.id};
    Segment* const inherited =
        call.mapped && call.id && !call.name ? registry_.find_even_ended(*call.id) : nullptr;
    const auto found = inherited != nullptr ? inherited : find_attached(session, reference);
    if (!found) {
        return std::unexpected(found.error());
    }
    Segment& segment = **found;
    if (!segment.is_whole() && segment.creator != session.holder) {
        return std::unexpected(NoSuchSegment{reference.words()});
    }
    if (!may(session.caller, call.access, segment.is.rights)) {
        return std::unexpected(denied(session, segment, reference));
    }
    if (call.access == Access::write && segment.frozen) {
        return std::unexpected(proto::Frozen{reference.words()});
    }
    if (call.access == Access::write && segment.is.exclusive_writer) {
        return std::unexpected(AccessDenied{reference.words()});
    }
    const proto::ExpectedType expected{.form = call.form, .element = call.element, .count = call.count};
    const bool names_fields = call.element && !call.element->fields.empty();
    if (!expected.matches(names_fields ? segment.blueprint().type : segment.is.type)) {
        return std::unexpected(proto::TypeMismatch{
            .name = reference.words(), .expected = expected.words(), .actual = segment.is.type.words()});
    }
    return &segment;
}

// What the last numbered Attach has attached, as long as it is.
Answer<Segment*> Service::find_last_attached(const Session& session) {
    Segment* const segment = registry_.find_even_ended(session.last_attached);
    if (segment == nullptr || !session.attachments.contains(segment)) {
        return std::unexpected(NoSuchSegment{session.last_attached.text()});
    }
    return segment;
}

Answer<proto::Attach::Reply> Service::handle(Turn& turn, const proto::Attach& call) {
    const bool repeated = is_repeated(turn.session, call);
    const auto found = repeated ? find_last_attached(turn.session) : find_to_attach(turn.session, call);
    if (!found) {
        return std::unexpected(found.error());
    }
    Segment& segment = **found;
    Charge charge;
    if (!turn.session.attachments.contains(&segment)) {
        if (segment.is.rights.uid != turn.session.caller.uid) {
            if (auto refusal = quota_.keeps_too_much(turn.session.caller.uid, segment.memory->size())) {
                return std::unexpected(*std::move(refusal));
            }
        }
        auto charged = quota_.charge(turn.session.caller.uid, Resource::attachments, 1);
        if (!charged) {
            return std::unexpected(charged.error());
        }
        charge = *std::move(charged);
    }
    if (const auto closed = close_to_other_writers(segment); !closed) {
        return std::unexpected(closed.error());
    }
    const auto fd = descriptor_for(call.access, segment, turn.session.caller.uid);
    if (!fd) {
        return std::unexpected(fd.error());
    }
    turn.out.lend(segment.memory, *fd);
    const auto known = turn.session.attachments.find(&segment);
    const bool is_attached = known != turn.session.attachments.end();
    // A repeated one may be so early that what the first has begun is not done; to count twice does no harm.
    const bool starts_to_wait = call.waits && (repeated || !is_attached || !known->second.waits);
    if (!repeated) {
        counts(turn.session, call.serial);
        turn.session.last_attach_serial = call.serial.value_or(0);
        turn.session.last_attached = segment.is.id;
        archive_.keep_progress(turn.session);
        ++counters_.attachments;
        registry_.attach(turn.session, segment, call.access, now_usec(), std::move(charge));
    }
    if (starts_to_wait && !segment.frozen) {
        do_before_sending(
            turn.out,
            [remains = segment.remains()]() -> std::optional<Refusal> {
                const auto counted = count_watcher(remains, true);
                return counted ? std::nullopt : std::optional(refusal_of(counted.error(), abi::page));
            },
            [this, holder = turn.session.holder, id = segment.is.id] { note_watcher(holder, id); });
    }
    return proto::MemoryReply{.segment = described(segment)};
}

Answer<Nothing> Service::handle(Turn& turn, const proto::Detach& call) {
    if (!counts(turn.session, call.serial)) {
        return Nothing{}; // it is repeated
    }
    archive_.keep_progress(turn.session);
    if (call.attached && *call.attached != turn.session.last_attach_serial) {
        return Nothing{}; // there was no such Attach
    }
    const proto::SegmentReference reference =
        call.attached ? proto::SegmentReference{.name = {}, .id = turn.session.last_attached}
                      : proto::SegmentReference{call.name, call.id};
    const auto found = find_attached(turn.session, reference);
    if (!found) {
        return std::unexpected(found.error());
    }
    auto left = registry_.detach(turn.session, **found, call.access);
    if (!left) {
        return std::unexpected(NoSuchSegment{reference.words()});
    }
    if (left->segment != nullptr && left->waited) {
        archive_.commit(); // or it could be taken back twice
        take_back_watcher(*left->segment);
    }
    const HolderId holder = turn.session.holder;
    if (left->segment != nullptr && left->written && holds_lock(*left->segment->memory, holder)) {
        note_recovery(*left->segment, turn.session.process());
        recover_one({left->segment->remains(), holder, std::move(left->record)});
    }
    return Nothing{};
}

} // namespace memshare::daemon
