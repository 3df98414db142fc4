#include "daemon/blueprint.h"

#include "daemon/call_digest.h"
#include "daemon/clock.h"

#include <algorithm>

namespace memshare::daemon {

using proto::Answer;
using proto::invalid;

Answer<Blueprint> blueprint_of(const Session& session, const proto::Create& call) {
    Blueprint plan{.id = call.id ? *call.id : proto::SegmentId::random(),
                   .name = call.name,
                   .type = {.form = call.form,
                            .element = call.element,
                            .count = call.count.value_or(1),
                            .shape = call.shape},
                   .lifetime = call.lifetime.value_or(proto::Lifetime::creator),
                   .rights = {.uid = session.caller.uid,
                              .gid = call.group.value_or(session.caller.gid),
                              .mode = call.mode.value_or(Rights{}.mode)},
                   .created_usec = now_usec(),
                   .freezable = call.freezable,
                   .exclusive_writer = call.exclusive_writer,
                   .huge_pages = call.huge_pages,
                   .digest = call.id ? digest_of(call) : 0};
    if (auto wrong = plan.type.complete()) {
        return invalid(*std::move(wrong));
    }
    if (plan.exclusive_writer && plan.name) { // it could be found before its creator has mapped it
        return invalid("name");
    }
    if (plan.exclusive_writer && plan.freezable) {
        return invalid("freezable");
    }
    if (plan.rights.mode > permission_bits) {
        return invalid("mode");
    }
    if (!may_give_to(session.caller, plan.rights.gid)) {
        return invalid("group");
    }
    if (call.initial.size() >
        std::min<std::uint64_t>(plan.type.element_bytes(), proto::limits::initial_bytes)) {
        return invalid("initial");
    }
    if (!call.initial.empty() && proto::are_pooled(plan.huge_pages)) { // whoever touches these, pays
        return invalid("initial");
    }
    return plan;
}

std::uint64_t touched_by_daemon(const Blueprint& plan, std::uint64_t initial) {
    const std::uint64_t page = proto::page_bytes(plan.huge_pages);
    const std::uint64_t offset = plan.type.payload_offset();
    const std::uint64_t first = offset / page;
    const std::uint64_t pages = initial > 0 ? (offset + initial - 1) / page - first + 1 : 0;
    const bool header_apart = plan.exclusive_writer && (pages == 0 || first > 0);
    return proto::are_pooled(plan.huge_pages) ? 0 : (pages + (header_apart ? 1 : 0)) * page;
}

Answer<Charges> charges_for(Quota& quota, std::uint32_t uid, const Blueprint& plan, std::uint64_t bytes,
                            std::uint64_t initial_bytes) {
    auto segment =
        quota.charge(uid, {{Resource::segments, 1},
                           {Resource::bytes, bytes},
                           {Resource::description_bytes, description_bytes(plan.type.element.fields)},
                           {Resource::initial_bytes, initial_bytes}});
    if (!segment) {
        return std::unexpected(segment.error());
    }
    auto descriptor = quota.charge(uid, Resource::descriptors, proto::limits::descriptors_per_segment);
    if (!descriptor) {
        return std::unexpected(descriptor.error());
    }
    auto name = quota.charge(uid, Resource::names, plan.name ? 1 : 0);
    if (!name) {
        return std::unexpected(name.error());
    }
    auto attachment = quota.charge(uid, Resource::attachments, 1);
    if (!attachment) {
        return std::unexpected(attachment.error());
    }
    return Charges{.segment = *std::move(segment),
                   .name = *std::move(name),
                   .descriptor = *std::move(descriptor),
                   .attachment = *std::move(attachment)};
}

proto::Result<Memory> memory_for(const Blueprint& plan, std::uint64_t bytes) {
    return Memory::create(plan.id, bytes,
                          plan.exclusive_writer ? Seals::exclusive_writer
                          : plan.freezable      ? Seals::freezable
                                                : Seals::all,
                          plan.huge_pages);
}

} // namespace memshare::daemon
