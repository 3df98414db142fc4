// The methods that make, change and end segments, and how they find them.
#include "daemon/blueprint.h"
#include "daemon/call_digest.h"
#include "daemon/clock.h"
#include "daemon/description.h"
#include "daemon/service.h"
#include "daemon/shortage.h"

namespace memshare::daemon {

using proto::AccessDenied;
using proto::Answer;
using proto::invalid;
using proto::NameTaken;
using proto::NoSuchSegment;
using proto::Nothing;

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

// Who may not even read a segment is not told that there is one.
proto::Refusal denied(const Session& session, Segment& segment, const proto::SegmentReference& reference) {
    const bool is_known = session.attachments.contains(&segment) || owns(session.caller, segment.is.rights) ||
                          (segment.is_whole() && may(session.caller, proto::Access::read, segment.is.rights));
    return is_known ? proto::Refusal(AccessDenied{reference.words()})
                    : proto::Refusal(NoSuchSegment{reference.words()});
}

// The segment, if it belongs to the session's user.
Answer<Segment*> Service::find_for(const Session& session, const proto::SegmentReference& reference) {
    auto segment = find(reference);
    if (segment && !owns(session.caller, (*segment)->is.rights)) {
        return std::unexpected(denied(session, **segment, reference));
    }
    return segment;
}

// A Create with the id of a segment that there is: its creator may have lost the reply.
Answer<proto::Create::Reply> Service::repeat(Turn& turn, const proto::Create& call, const Segment& made) {
    const Session& session = turn.session;
    if (made.creator != session.holder || made.ended || !Registry::writes(session, made)) {
        return std::unexpected(NameTaken{call.id->text()});
    }
    if (digest_of(call) != made.is.digest) {
        return invalid("id");
    }
    if (!may(session.caller, proto::Access::write, made.is.rights)) {
        return std::unexpected(AccessDenied{call.id->text()});
    }
    if (made.is_frozen()) {
        return std::unexpected(proto::Frozen{call.id->text()});
    }
    turn.out.lend(made.memory, made.memory->writable());
    return proto::MemoryReply{.segment = described(made)};
}

Answer<proto::Create::Reply> Service::handle(Turn& turn, const proto::Create& call) {
    Session& session = turn.session;
    if (Segment* made = call.id ? registry_.find_even_ended(*call.id) : nullptr) {
        return repeat(turn, call, *made);
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
    const std::uint64_t touched = touched_by_daemon(*plan, call.initial.size());
    auto charges = charges_for(quota_, uid, *plan, bytes, touched);
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
        charges =
            charges_for(quota_, uid, *plan, memory->size(), touched_by_daemon(*plan, call.initial.size()));
    }
    if (auto written = memory->write(call.initial, offset); !written) {
        return std::unexpected(refusal_of(written.error(), bytes));
    }
    auto shared = std::make_shared<Memory>(*std::move(memory));
    auto deposit = archive_.deposit(shared);
    if (!deposit) {
        return std::unexpected(refusal_of(deposit.error(), bytes));
    }
    ++counters_.segments;
    const Segment& segment = registry_.create(session, *std::move(plan), std::move(shared),
                                              *std::move(charges), *std::move(deposit), touched);
    turn.out.lend(segment.memory, segment.memory->writable());
    return proto::MemoryReply{.segment = described(segment)};
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

// The caller has sealed the memory through its own descriptor; here it is looked at. To add the seal here
// would wait as long as a client of that memory holds its lock in the kernel.
Answer<Nothing> Service::handle(Turn& turn, const proto::Freeze& call) {
    const proto::SegmentReference reference{call.name, call.id};
    const auto found = find_for(turn.session, reference);
    if (!found) {
        return std::unexpected(found.error());
    }
    const Segment& segment = **found;
    if (!segment.is.freezable) {
        return invalid("freezable");
    }
    if (segment.is_frozen()) {
        return Nothing{};
    }
    proto::Busy busy{.name = reference.words(), .holders = {}};
    for (const Session* session : segment.attached) {
        if (session != &turn.session && Registry::writes(*session, segment)) {
            busy.holders.push_back(session->process());
        }
    }
    if (!busy.holders.empty()) {
        return std::unexpected(std::move(busy));
    }
    return std::unexpected(proto::NotSealed{reference.words()});
}

} // namespace memshare::daemon
