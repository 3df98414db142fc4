// The methods that tell what there is, and what happens to it.
#include "daemon/clock.h"
#include "daemon/description.h"
#include "daemon/service.h"
#include <memshare/abi/lock_word.hpp>

#include <unistd.h>

#include <algorithm>

namespace memshare::daemon {

using proto::Access;
using proto::AccessDenied;
using proto::Answer;

namespace {

proto::Event event_of(proto::EventKind kind, const Segment& segment, std::optional<proto::Process> process) {
    proto::Event event{
        .kind = kind, .time_usec = now_usec(), .segment = described(segment), .process = std::move(process)};
    event.segment->element.fields.clear(); // so that all that can wait has a bound
    return event;
}

std::string name_of(const Segment& segment) {
    return segment.is.name ? segment.is.name->text() : segment.is.id.text();
}

// All but those without a limit, which are nobody's concern.
std::vector<proto::Usage> usage_of(const Amounts& used, const Amounts& limits) {
    std::vector<proto::Usage> usage;
    for (std::size_t at = 0; at < resources; ++at) {
        if (limits[at] != Limits::unlimited) {
            usage.push_back({.resource = std::string(name_of(static_cast<Resource>(at))),
                             .used = used[at],
                             .limit = limits[at]});
        }
    }
    return usage;
}

} // namespace

Answer<proto::Describe::Reply> Service::handle(Turn& turn, const proto::Describe& call) {
    const proto::SegmentReference reference{call.name, call.id};
    const auto found = find_attached(turn.session, reference);
    if (!found) {
        return std::unexpected(found.error());
    }
    Segment& segment = **found; // NOLINT(misc-const-correctness): the key that attachments are found by
    const bool has_it = turn.session.attachments.contains(&segment);
    if (!has_it && !may(turn.session.caller, Access::read, segment.is.rights)) {
        return std::unexpected(AccessDenied{reference.words()});
    }
    proto::Describe::Reply reply{
        .segment = described(segment), .attachments = {}, .lock = described_lock(segment)};
    for (const Session* session : segment.attached) {
        const Attachment& attachment = session->attachments.at(&segment);
        reply.attachments.push_back({.pid = session->pid,
                                     .uid = session->caller.uid,
                                     .program = session->program,
                                     .access = attachment.writers > 0 ? Access::write : Access::read,
                                     .since_usec = attachment.since_usec});
    }
    std::ranges::sort(reply.attachments, {}, &proto::Attachment::since_usec);
    return reply;
}

// The next segments after one of that age, which moves on, until their weight is enough.
Service::Batch Service::batch(const Filter& filter, std::uint64_t& age, std::size_t enough) {
    Batch batch;
    for (std::size_t weight = 0; weight < enough;) {
        const Segment* segment = registry_.next_after(age);
        if (segment == nullptr) {
            batch.is_last = true;
            break;
        }
        age = segment->age;
        if (filter.takes(*segment)) {
            batch.reply.segments.push_back(described(*segment));
            weight += 1 + segment->is.type.element.fields.size() / proto::limits::list_fields;
        }
    }
    return batch;
}

Answer<proto::List::Reply> Service::handle(Turn& turn, const proto::List& call) {
    auto filter = Filter::of(turn.session.caller, call.pattern, call.uid);
    if (!filter) {
        return std::unexpected(filter.error());
    }
    std::uint64_t age = 0;
    const std::size_t enough = turn.more ? proto::limits::list_batch : proto::limits::list_whole;
    auto first = batch(*filter, age, enough);
    if (!first.is_last && !turn.more) {
        return std::unexpected(proto::ExpectedMore{});
    }
    // What is made meanwhile is listed too, and what ends is not; the caller's rights are those it came with.
    if (!first.is_last) {
        auto charge = quota_.charge(turn.session.caller.uid, Resource::streams, 1);
        if (!charge) {
            return std::unexpected(charge.error());
        }
        turn.out.stream = *std::move(charge);
        turn.out.next = [this, age, filter = *std::move(filter)](Outgoing& out) mutable {
            const auto next = batch(filter, age, proto::limits::list_batch);
            write_reply(out.text, next.reply, !next.is_last);
            return next.is_last ? Outgoing::Stream::ends : Outgoing::Stream::goes_on;
        };
    }
    return std::move(first.reply);
}

Answer<proto::Watch::Reply> Service::handle(Turn& turn, const proto::Watch& call) {
    if (!turn.more) {
        return std::unexpected(proto::ExpectedMore{});
    }
    auto filter = Filter::of(turn.session.caller, call.pattern, call.uid);
    if (!filter) {
        return std::unexpected(filter.error());
    }
    auto charge = quota_.charge(turn.session.caller.uid, Resource::streams, 1);
    if (!charge) {
        return std::unexpected(charge.error());
    }
    turn.out.stream = *std::move(charge);
    turn.out.watcher = watchers_.add(*std::move(filter), now_usec());
    turn.out.next = [](Outgoing& out) {
        auto event = out.watcher->take();
        if (!event) {
            return Outgoing::Stream::waits;
        }
        write_reply(out.text, proto::Watch::Reply{*std::move(event)}, true);
        return Outgoing::Stream::goes_on;
    };
    return proto::Watch::Reply{*turn.out.watcher->take()};
}

Answer<proto::Statistics::Reply> Service::handle(Turn& turn, const proto::Statistics& /*call*/) {
    const Caller& caller = turn.session.caller;
    const Limits& limits = quota_.limits();
    proto::Statistics::Reply reply{
        .pid = getpid(),
        .started_usec = started_usec_,
        .users = {{.uid = caller.uid, .usage = usage_of(quota_.used_by(caller.uid), limits.per_user)}},
        .total = usage_of(quota_.total(), limits.total),
        .counters = counters_};
    if (caller.uid == 0) {
        for (const auto& [uid, used] : quota_.users()) {
            if (uid != 0) {
                reply.users.push_back({.uid = uid, .usage = usage_of(used, limits.per_user)});
            }
        }
        std::ranges::sort(reply.users, {}, &proto::UserUsage::uid);
    }
    reply.counters.events_lost = watchers_.lost();
    reply.counters.longest_step_usec = static_cast<std::uint64_t>(steps_.longest().count());
    reply.counters.steps_over_5_ms = steps_.over_5_ms();
    return reply;
}

void Service::happened(proto::EventKind kind, const Segment& segment, const Session* by) {
    if (!watchers_.empty()) {
        watchers_.tell(segment,
                       event_of(kind, segment, by != nullptr ? std::optional(by->process()) : std::nullopt));
    }
}

void Service::note_recovery(Segment& segment, const proto::Process& dead) {
    const std::uint64_t now = now_usec();
    ++segment.recoveries;
    ++counters_.recoveries;
    segment.last_recovery = {.pid = dead.pid, .uid = dead.uid, .program = dead.program, .time_usec = now};
    archive_.keep(segment);
    tell_({.event = Report::Event::lock_recovered,
           .sentence = "the lock of " + name_of(segment) + " goes on to the next one: " + dead.program +
                       " (pid " + std::to_string(dead.pid) + ", uid " + std::to_string(dead.uid) +
                       ") ended holding it",
           .segment = name_of(segment),
           .process = dead});
    if (!watchers_.empty()) {
        watchers_.tell(segment, event_of(proto::EventKind::lock_recovered, segment, dead));
    }
}

proto::Lock Service::described_lock(const Segment& segment) {
    const std::uint32_t word = segment.memory->lock_word();
    // Whoever can write may have written anything there, and is to learn nothing of others by it.
    Session* const holder = registry_.find_session(abi::holder_of(word));
    const bool is_one_of_them = holder != nullptr && segment.attached.contains(holder);
    return {.holder = is_one_of_them ? std::optional(holder->process()) : std::nullopt,
            .waiting = (word & abi::waiting_bit) != 0,
            .recoveries = segment.recoveries,
            .last_recovery = segment.last_recovery};
}

} // namespace memshare::daemon
