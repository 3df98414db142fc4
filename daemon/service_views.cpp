// The methods that tell what there is, and what happens to it.
#include "daemon/clock.h"
#include "daemon/description.h"
#include "daemon/service.h"
#include <memshare/abi/lock_word.hpp>

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace memshare::daemon {

using proto::Access;
using proto::Answer;

namespace {

proto::Event event_of(proto::EventKind kind, const Segment& segment, std::optional<proto::Process> process) {
    return {.kind = kind,
            .time_usec = now_usec(),
            .segment = described_in_short(segment), // so that all that can wait has a bound
            .process = std::move(process)};
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

// How much of what it may have a user has of the resource of which that is most.
double share_of(const Amounts& used, const Amounts& limits) {
    double most = 0;
    for (std::size_t at = 0; at < resources; ++at) {
        most = std::max(most, static_cast<double>(used[at]) /
                                  static_cast<double>(std::max<std::uint64_t>(limits[at], 1)));
    }
    return most;
}

} // namespace

// Describes a segment, so many of its attachments in a step.
struct Service::Describing {
    proto::SegmentId id;
    std::string reference;
    Charge stream; // what it takes
    Session* last = nullptr;
    proto::Describe::Reply reply{};
};

// Whether all are described, or the segment is gone meanwhile.
bool Service::describe_on(Describing& describing) {
    const Segment* const segment = registry_.find_even_ended(describing.id);
    if (segment == nullptr) {
        return true;
    }
    auto next = segment->attached.upper_bound(describing.last);
    for (std::size_t left = proto::limits::attachments_in_a_step; next != segment->attached.end() && left > 0;
         --left) {
        const Session& session = **next;
        const Attachment& attachment =
            session.attachments.at(const_cast<Segment*>(segment)); // NOLINT(*-const-cast)
        describing.reply.attachments.push_back(
            {.pid = session.pid,
             .uid = session.caller.uid,
             .program = session.program,
             .access = attachment.writers > 0 ? Access::write : Access::read,
             .since_usec = attachment.since_usec});
        describing.last = *next++;
    }
    if (next != segment->attached.end()) {
        return false;
    }
    describing.reply.segment = described(*segment);
    describing.reply.lock = described_lock(*segment);
    std::ranges::sort(describing.reply.attachments, {}, &proto::Attachment::since_usec);
    return true;
}

Answer<proto::Describe::Reply> Service::handle(Turn& turn, const proto::Describe& call) {
    const proto::SegmentReference reference{call.name, call.id};
    const auto found = find_attached(turn.session, reference);
    if (!found) {
        return std::unexpected(found.error());
    }
    Segment& segment = **found; // NOLINT(misc-const-correctness): the key that attachments are found by
    const bool has_it = turn.session.attachments.contains(&segment);
    if (!has_it && !may(turn.session.caller, Access::read, segment.is.rights)) {
        return std::unexpected(denied(turn.session, segment, reference));
    }
    auto describing = std::make_shared<Describing>(
        Describing{.id = segment.is.id, .reference = reference.words(), .stream = {}});
    if (describe_on(*describing)) {
        return std::move(describing->reply);
    }
    auto charge = quota_.charge(turn.session.caller.uid, Resource::streams, 1);
    if (!charge) {
        return std::unexpected(charge.error());
    }
    describing->stream = *std::move(charge);
    turn.out.made_later = true;
    turn.out.next = [this, describing](Outgoing& out) {
        if (!describe_on(*describing)) {
            return Outgoing::Stream::goes_on;
        }
        if (registry_.find_even_ended(describing->id) == nullptr) {
            refuse_later(out, proto::NoSuchSegment{describing->reference});
        } else {
            write_reply(out.text, describing->reply, false);
        }
        return Outgoing::Stream::ends;
    };
    return proto::Describe::Reply{};
}

// A list, and how far it is. What is made meanwhile is listed too, and what ends is not; the caller's rights
// are those that it came with.
struct Service::Listing {
    Filter filter;
    std::size_t enough; // of weight, for one reply
    std::uint64_t age = 0;
    std::size_t weight = 0;
    bool is_last = false; // nothing comes after the reply
    proto::List::Reply reply{};

    bool is_full() const { return is_last || weight >= enough; }
};

// Looks at so many of the next segments at most, whether or not they are in the list.
void Service::look_on(Listing& listing) {
    for (std::size_t left = proto::limits::segments_in_a_step; left > 0 && !listing.is_full(); --left) {
        const Segment* segment = registry_.next_after(listing.age);
        if (segment == nullptr) {
            listing.is_last = true;
            break;
        }
        listing.age = segment->age;
        if (listing.filter.takes(*segment)) {
            listing.reply.segments.push_back(described(*segment));
            listing.weight += 1 + segment->fields.count() / proto::limits::list_fields;
        }
    }
}

Answer<proto::List::Reply> Service::handle(Turn& turn, const proto::List& call) {
    auto filter = Filter::of(turn.session.caller, call.pattern, call.uid);
    if (!filter) {
        return std::unexpected(filter.error());
    }
    auto listing = std::make_shared<Listing>(
        Listing{.filter = *std::move(filter),
                .enough = turn.more ? proto::limits::list_batch : proto::limits::list_whole});
    look_on(*listing);
    if (listing->is_last) {
        return std::move(listing->reply);
    }
    if (listing->is_full() && !turn.more) {
        return std::unexpected(proto::ExpectedMore{});
    }
    auto charge = quota_.charge(turn.session.caller.uid, Resource::streams, 1);
    if (!charge) {
        return std::unexpected(charge.error());
    }
    turn.out.stream = *std::move(charge);
    turn.out.made_later = !listing->is_full();
    if (!turn.out.made_later) { // the first reply is made
        listing->weight = 0;
    }
    turn.out.next = [this, listing, more = turn.more](Outgoing& out) {
        look_on(*listing);
        if (!listing->is_full()) {
            return Outgoing::Stream::goes_on;
        }
        if (!listing->is_last && !more) {
            refuse_later(out, proto::ExpectedMore{});
            return Outgoing::Stream::ends;
        }
        write_reply(out.text, std::exchange(listing->reply, {}), !listing->is_last);
        listing->weight = 0;
        return listing->is_last ? Outgoing::Stream::ends : Outgoing::Stream::goes_on;
    };
    return turn.out.made_later ? proto::List::Reply{} : std::exchange(listing->reply, {});
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

// What each user has, found in steps, as there can be as many users as there are segments.
struct Service::Counting {
    struct User {
        double share;
        std::uint32_t uid;
        bool operator>(const User& other) const { return share > other.share; }
    };
    Charge stream; // what it takes
    std::optional<std::uint32_t> last;
    std::vector<User> most{}; // a heap of those who have most, of which the first has least
};

// Whether all users have been looked at.
bool Service::count_on(Counting& counting) const {
    const auto& users = quota_.users();
    auto next = counting.last ? users.upper_bound(*counting.last) : users.begin();
    for (std::size_t left = proto::limits::users_in_a_step; next != users.end() && left > 0; --left, ++next) {
        counting.last = next->first;
        if (next->first == 0) {
            continue; // it is told of in any case
        }
        counting.most.push_back({share_of(next->second, quota_.limits().per_user), next->first});
        std::ranges::push_heap(counting.most, std::greater{});
        if (counting.most.size() > proto::limits::users_told) {
            std::ranges::pop_heap(counting.most, std::greater{});
            counting.most.pop_back();
        }
    }
    return next == users.end();
}

proto::Statistics::Reply Service::statistics_for(std::uint32_t uid, const Counting& counting) const {
    const Limits& limits = quota_.limits();
    proto::Statistics::Reply reply{
        .pid = getpid(),
        .started_usec = started_usec_,
        .users = {{.uid = uid, .usage = usage_of(quota_.used_by(uid), limits.per_user)}},
        .total = usage_of(quota_.total(), limits.total),
        .counters = counters_};
    for (const Counting::User& user : counting.most) {
        reply.users.push_back(
            {.uid = user.uid, .usage = usage_of(quota_.used_by(user.uid), limits.per_user)});
    }
    std::ranges::sort(reply.users, {}, &proto::UserUsage::uid);
    reply.counters.events_lost = watchers_.lost();
    reply.counters.longest_step_usec = static_cast<std::uint64_t>(clock_.longest().count());
    reply.counters.steps_over_5_ms = clock_.over_5_ms();
    return reply;
}

Answer<proto::Statistics::Reply> Service::handle(Turn& turn, const proto::Statistics& /*call*/) {
    const std::uint32_t uid = turn.session.caller.uid;
    auto counting = std::make_shared<Counting>();
    if (uid != 0 || count_on(*counting)) {
        return statistics_for(uid, *counting);
    }
    auto charge = quota_.charge(uid, Resource::streams, 1);
    if (!charge) {
        return std::unexpected(charge.error());
    }
    counting->stream = *std::move(charge);
    turn.out.made_later = true;
    turn.out.next = [this, uid, counting](Outgoing& out) {
        if (!count_on(*counting)) {
            return Outgoing::Stream::goes_on;
        }
        write_reply(out.text, statistics_for(uid, *counting), false);
        return Outgoing::Stream::ends;
    };
    return proto::Statistics::Reply{};
}

void Service::happened(proto::EventKind kind, const Segment& segment, const Session* by) {
    tell_watchers(kind, segment, by != nullptr ? std::optional(by->process()) : std::nullopt);
}

void Service::tell_watchers(proto::EventKind kind, const Segment& segment,
                            std::optional<proto::Process> process) {
    if (!watchers_.empty()) {
        watchers_.tell(segment, event_of(kind, segment, std::move(process)));
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
