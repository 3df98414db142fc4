// The methods that make, find and change segments.
#include "daemon/blueprint.h"
#include "daemon/clock.h"
#include "daemon/description.h"
#include "daemon/recovery.h"
#include "daemon/service.h"

#include <sys/resource.h>

#include <algorithm>

namespace memshare::daemon {

using proto::Access;
using proto::AccessDenied;
using proto::Answer;
using proto::invalid;
using proto::NameTaken;
using proto::NoSuchSegment;
using proto::Nothing;
using proto::Refusal;

namespace {

// What the kernel's no to a new memfd or descriptor means to the caller.
Refusal refusal_of(const proto::Error& error, std::uint64_t bytes) {
    if (error.code == std::errc::too_many_files_open ||
        error.code == std::errc::too_many_files_open_in_system) {
        rlimit limit{};
        getrlimit(RLIMIT_NOFILE, &limit);
        return proto::QuotaExceeded{
            .limit = "totalDescriptors", .allowed = limit.rlim_cur, .used = limit.rlim_cur, .requested = 1};
    }
    return proto::OutOfMemory{bytes};
}

// A descriptor of the segment's memory goes with the reply.
void lend(Outgoing& out, const Segment& segment, int fd) {
    out.memory = segment.memory;
    out.fd = fd;
}

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

// Before anybody but its creator has it: the creator has mapped it by then.
Answer<void> close_to_other_writers(Segment& segment) {
    if (!segment.is.exclusive_writer || segment.closed_to_writers) {
        return {};
    }
    if (const auto closed = segment.memory->forbid_new_writers(); !closed) {
        return std::unexpected(refusal_of(closed.error(), 0));
    }
    segment.closed_to_writers = true;
    return {};
}

} // namespace

Answer<Segment*> Service::find(const proto::SegmentReference& reference) {
    if (reference.name.has_value() == reference.id.has_value()) {
        return invalid(reference.name ? "id" : "name");
    }
    Segment* segment = reference.name ? registry_.find(*reference.name) : registry_.find(*reference.id);
    if (segment == nullptr) {
        return std::unexpected(NoSuchSegment{reference.words()});
    }
    return segment;
}

// The segment, also one that has ended, if the session has it attached.
Answer<Segment*> Service::find_attached(const Session& session, const proto::SegmentReference& reference) {
    if (reference.id && !reference.name) {
        Segment* segment = registry_.find_even_ended(*reference.id);
        if (segment != nullptr && session.attachments.contains(segment)) {
            return segment;
        }
    }
    return find(reference);
}

// The segment, if it belongs to the session's user.
Answer<Segment*> Service::find_for(const Session& session, const proto::SegmentReference& reference) {
    auto segment = find(reference);
    if (segment && !owns(session.caller, (*segment)->is.rights)) {
        return std::unexpected(AccessDenied{reference.words()});
    }
    return segment;
}

Answer<proto::Create::Reply> Service::handle(Turn& turn, const proto::Create& call) {
    Session& session = turn.session;
    if (Segment* made = call.id ? registry_.find_even_ended(*call.id) : nullptr) {
        if (made->creator != session.holder || made->ended) {
            return std::unexpected(NameTaken{call.id->text()});
        }
        lend(turn.out, *made, made->memory->writable()); // the call is repeated: its first reply was lost
        return proto::MemoryReply{.segment = described(*made)};
    }
    auto plan = blueprint_of(session, call);
    if (!plan) {
        return std::unexpected(plan.error());
    }
    if (plan->name && registry_.find(*plan->name) != nullptr) {
        return std::unexpected(NameTaken{plan->name->text()});
    }
    const std::uint64_t offset = plan->type.payload_offset();
    const std::uint64_t least = offset + plan->type.payload_bytes();
    const std::uint64_t bytes = Memory::size_for(least, plan->huge_pages);
    const std::uint32_t uid = session.caller.uid;
    auto charges = charges_for(quota_, uid, *plan, bytes);
    if (!charges) {
        return std::unexpected(charges.error());
    }
    auto memory = memory_for(*plan, least);
    if (!memory) {
        return std::unexpected(refusal_of(memory.error(), bytes));
    }
    plan->huge_pages = memory->pages();
    if (memory->size() < bytes) { // its pages are smaller than was asked for
        *charges = {};
        charges = charges_for(quota_, uid, *plan, memory->size());
    }
    if (plan->exclusive_writer && !proto::are_pooled(memory->pages())) {
        if (const auto told = tell_all_changes(*memory); !told) {
            return std::unexpected(refusal_of(told.error(), bytes));
        }
    }
    if (auto written = memory->write(call.initial, offset); !written) {
        return std::unexpected(refusal_of(written.error(), bytes));
    }
    ++counters_.segments;
    const Segment& segment =
        registry_.create(session, *std::move(plan), *std::move(memory), *std::move(charges));
    lend(turn.out, segment, segment.memory->writable());
    return proto::MemoryReply{.segment = described(segment)};
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
        return std::unexpected(AccessDenied{reference.words()});
    }
    if (call.access == Access::write && segment.frozen) {
        return std::unexpected(proto::Frozen{reference.words()});
    }
    if (call.access == Access::write && segment.is.exclusive_writer) {
        return std::unexpected(AccessDenied{reference.words()});
    }
    const proto::ExpectedType expected{.form = call.form, .element = call.element, .count = call.count};
    if (!expected.matches(segment.is.type)) {
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
        auto charged = quota_.charge(turn.session.caller.uid, Resource::attachments, 1);
        if (!charged) {
            return std::unexpected(charged.error());
        }
        charge = *std::move(charged);
    }
    if (const auto closed = close_to_other_writers(segment); !closed) {
        return std::unexpected(closed.error());
    }
    const auto fd = call.access == Access::write ? segment.memory->writable() : segment.memory->read_only();
    if (!fd) {
        return std::unexpected(refusal_of(fd.error(), 0));
    }
    lend(turn.out, segment, *fd);
    const auto known = turn.session.attachments.find(&segment);
    const bool is_attached = known != turn.session.attachments.end();
    // A repeated one may be so early that what the first has begun is not done; to count twice does no harm.
    const bool starts_to_wait = call.waits && (repeated || !is_attached || !known->second.waits);
    if (!repeated) {
        counts(turn.session, call.serial);
        turn.session.last_attach_serial = call.serial.value_or(0);
        turn.session.last_attached = segment.is.id;
        ++counters_.attachments;
        registry_.attach(turn.session, segment, call.access, now_usec(), std::move(charge));
    }
    if (starts_to_wait && !segment.frozen) {
        turn.session.attachments.at(&segment).waits = true;
        do_before_sending(turn.out, [remains = segment.remains()]() -> std::optional<Refusal> {
            const auto counted = count_watcher(remains, true);
            return counted ? std::nullopt : std::optional(refusal_of(counted.error(), abi::page));
        });
    }
    return proto::MemoryReply{.segment = described(segment)};
}

Answer<Nothing> Service::handle(Turn& turn, const proto::Detach& call) {
    if (!counts(turn.session, call.serial)) {
        return Nothing{}; // it is repeated
    }
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
    const auto left = registry_.detach(turn.session, **found, call.access);
    if (!left) {
        return std::unexpected(NoSuchSegment{reference.words()});
    }
    if (left->segment != nullptr && left->waited) {
        take_back_watcher(*left->segment);
    }
    const HolderId holder = turn.session.holder;
    if (left->segment != nullptr && left->written && holds_lock(*left->segment->memory, holder)) {
        note_recovery(*left->segment, turn.session.process());
        elsewhere_(
            [remains = left->segment->remains(), holder]() -> Outcome {
                static_cast<void>(
                    recover_lock(remains, holder)); // its process lives, and has only itself to blame
                return {};
            },
            Haste::somebody_waits);
    }
    return Nothing{};
}

Answer<Nothing> Service::handle(Turn& turn, const proto::Publish& call) {
    const auto found = find_for(turn.session, {.name = {}, .id = call.id});
    if (!found) {
        return std::unexpected(found.error());
    }
    const Segment* namesake = registry_.find(*call.name);
    if (namesake == *found) {
        return Nothing{}; // the call is repeated: its first reply was lost
    }
    if ((*found)->is.name) {
        return invalid("id");
    }
    if (namesake != nullptr) {
        return std::unexpected(NameTaken{call.name->text()});
    }
    if (const auto closed = close_to_other_writers(**found); !closed) {
        return std::unexpected(closed.error());
    }
    auto charge = quota_.charge((*found)->is.rights.uid, Resource::names, 1);
    if (!charge) {
        return std::unexpected(charge.error());
    }
    registry_.publish(**found, *call.name, *std::move(charge), &turn.session);
    return Nothing{};
}

Answer<Nothing> Service::handle(Turn& turn, const proto::Destroy& call) {
    const auto found = find_for(turn.session, {call.name, call.id});
    if (!found) {
        return std::unexpected(found.error());
    }
    registry_.end(**found, &turn.session);
    return Nothing{};
}

Answer<Nothing> Service::handle(Turn& turn, const proto::Change& call) {
    const auto found = find_for(turn.session, {call.name, call.id});
    if (!found) {
        return std::unexpected(found.error());
    }
    if (call.mode && *call.mode > permission_bits) {
        return invalid("mode");
    }
    if (call.group && !may_give_to(turn.session.caller, *call.group)) {
        return invalid("group");
    }
    if (!registry_.change(**found, {.lifetime = call.lifetime, .gid = call.group, .mode = call.mode},
                          &turn.session)) {
        return invalid("lifetime");
    }
    return Nothing{};
}

Answer<Nothing> Service::handle(Turn& turn, const proto::Freeze& call) {
    const proto::SegmentReference reference{call.name, call.id};
    const auto found = find_for(turn.session, reference);
    if (!found) {
        return std::unexpected(found.error());
    }
    const Segment& segment = **found;
    if (segment.frozen) {
        return Nothing{}; // the call is repeated: its first reply was lost
    }
    if (!segment.is.freezable) {
        return invalid("freezable");
    }
    proto::Busy busy{.name = reference.words(), .holders = {}};
    for (const Session* session : segment.attached) {
        if (Registry::writes(*session, segment)) {
            busy.holders.push_back(session->process());
        }
    }
    // The caller may have it attached for writing still, if only it has not mapped it so any more: then the
    // kernel lets us, and knows better.
    const bool others = busy.holders.size() > (Registry::writes(turn.session, segment) ? 1U : 0U);
    if (others) {
        return std::unexpected(std::move(busy));
    }
    do_before_sending(
        turn.out,
        [memory = segment.memory, busy]() -> std::optional<Refusal> {
            const auto frozen = memory->freeze();
            if (frozen) {
                return std::nullopt;
            }
            // Of nobody but the caller? Then by a forked child that has not called yet.
            return frozen.error().code == std::errc::device_or_resource_busy ? Refusal(busy)
                                                                             : refusal_of(frozen.error(), 0);
        },
        [this, id = segment.is.id] {
            if (Segment* done = registry_.find_even_ended(id)) {
                done->frozen = true;
            }
        });
    return Nothing{};
}

} // namespace memshare::daemon
