#include "client/src/convert.h"

namespace memshare {

std::string SegmentInfo::type() const {
    return proto::Type{.form = form, .element = element, .count = count, .shape = shape}.words();
}

} // namespace memshare

namespace memshare::client {
namespace {

Time time_of(std::uint64_t usec) { return Time(std::chrono::microseconds(usec)); }

std::vector<Usage> info_of(const std::vector<proto::Usage>& resources) {
    std::vector<Usage> info;
    info.reserve(resources.size());
    for (const proto::Usage& usage : resources) {
        info.push_back({.resource = usage.resource, .used = usage.used, .limit = usage.limit});
    }
    return info;
}

} // namespace

SegmentInfo info_of(const proto::Segment& segment) {
    return {.id = segment.id.text(),
            .name = segment.name ? segment.name->text() : "",
            .form = segment.form,
            .element = segment.element,
            .count = segment.count,
            .shape = segment.shape,
            .size_bytes = segment.size_bytes,
            .payload_offset = segment.payload_offset,
            .lifetime = static_cast<Lifetime>(segment.lifetime),
            .mode = segment.mode,
            .uid = segment.uid,
            .gid = segment.gid,
            .creator_pid = segment.creator.pid,
            .creator_program = segment.creator.program,
            .created = time_of(segment.created_usec),
            .attachments = segment.attachments,
            .huge_pages = static_cast<HugePages>(segment.huge_pages),
            .frozen = segment.frozen,
            .ended = segment.ended};
}

AttachmentInfo info_of(const proto::Attachment& attachment) {
    return {.pid = attachment.pid,
            .uid = attachment.uid,
            .program = attachment.program,
            .access = static_cast<Access>(attachment.access),
            .since = time_of(attachment.since_usec)};
}

ProcessInfo info_of(const proto::Process& process) {
    return {.pid = process.pid, .uid = process.uid, .program = process.program};
}

Event info_of(const proto::Event& event) {
    Event info{.kind = static_cast<EventKind>(event.kind),
               .time = time_of(event.time_usec),
               .segment = {},
               .process = {},
               .lost = event.lost};
    if (event.segment) {
        info.segment = info_of(*event.segment);
    }
    if (event.process) {
        info.process = info_of(*event.process);
    }
    return info;
}

DeadHolder info_of(const proto::DeadHolder& dead) {
    return {.pid = dead.pid, .uid = dead.uid, .program = dead.program, .time = time_of(dead.time_usec)};
}

LockInfo info_of(const proto::Lock& lock) {
    LockInfo info{.holder = {}, .waiting = lock.waiting, .recoveries = lock.recoveries, .last_recovery = {}};
    if (lock.holder) {
        info.holder = info_of(*lock.holder);
    }
    if (lock.last_recovery) {
        info.last_recovery = info_of(*lock.last_recovery);
    }
    return info;
}

Statistics info_of(const proto::Statistics::Reply& reply) {
    const proto::Counters& counters = reply.counters;
    Statistics info{.pid = reply.pid,
                    .started = time_of(reply.started_usec),
                    .users = {},
                    .total = info_of(reply.total),
                    .counters = {.calls = counters.calls,
                                 .refusals = counters.refusals,
                                 .sessions = counters.sessions,
                                 .segments = counters.segments,
                                 .attachments = counters.attachments,
                                 .recoveries = counters.recoveries,
                                 .events_lost = counters.events_lost,
                                 .longest_step = std::chrono::microseconds(counters.longest_step_usec),
                                 .steps_over_5_ms = counters.steps_over_5_ms}};
    for (const proto::UserUsage& user : reply.users) {
        info.users.push_back({.uid = user.uid, .usage = info_of(user.usage)});
    }
    return info;
}

} // namespace memshare::client
