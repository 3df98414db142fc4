// The methods that give a session a segment, and take it back.
#include "daemon/call_digest.h"
#include "daemon/clock.h"
#include "daemon/description.h"
#include "daemon/inheritance.h"
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

namespace {

// Whether a numbered call is the session's last one said again: its reply was lost. A number that was used
// for another call, or that is none, is wrong.
template <typename Method> Answer<bool> is_repeated(const Session& session, const Method& call) {
    if (!call.serial || *call.serial > session.last_serial) {
        return false;
    }
    if (*call.serial == 0 || *call.serial != session.last_serial || digest_of(call) != session.last_digest) {
        return invalid("serial");
    }
    return true;
}

// From here on the call counts as carried out.
template <typename Method> void count(Session& session, const Method& call) {
    if (call.serial) {
        session.last_serial = *call.serial;
        session.last_digest = digest_of(call);
    }
}

} // namespace

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
        if (fd.error().code == std::errc::operation_would_block) { // a lease, or a lock of that kind
            return std::unexpected(proto::Busy{
                .name = segment.is.name ? segment.is.name->text() : segment.is.id.text(), .holders = {}});
        }
        return std::unexpected(refusal_of(fd.error(), 0));
    }
    return *fd;
}

// Whether this session may attach the segment so, and it is what the caller expects.
Answer<void> Service::check_attach(const Session& session, const proto::Attach& call, Segment& segment) {
    const std::string words = proto::SegmentReference{call.name, call.id}.words();
    if (!segment.is_whole() && segment.creator != session.holder) {
        return std::unexpected(NoSuchSegment{words});
    }
    if (!may(session.caller, call.access, segment.is.rights) && !is_inherited(registry_, call, segment)) {
        return std::unexpected(denied(session, segment, {call.name, call.id}));
    }
    if (call.access == Access::write && segment.is_frozen()) {
        return std::unexpected(proto::Frozen{words});
    }
    if (call.access == Access::write && segment.is.exclusive_writer) {
        return std::unexpected(AccessDenied{words});
    }
    const proto::ExpectedType expected{.form = call.form, .element = call.element, .count = call.count};
    const bool names_fields = call.element && !call.element->fields.empty();
    if (!expected.matches(names_fields ? segment.blueprint().type : segment.is.type)) {
        return std::unexpected(proto::TypeMismatch{
            .name = words, .expected = expected.words(), .actual = segment.is.type.words()});
    }
    return {};
}

Answer<Segment*> Service::find_to_attach(const Session& session, const proto::Attach& call) {
    const proto::SegmentReference reference{call.name, call.id};
    Segment* const inherited =
        call.mapped && call.id && !call.name ? registry_.find_even_ended(*call.id) : nullptr;
    return inherited != nullptr ? inherited : find_attached(session, reference);
}

// What the last numbered call has attached, as long as it is.
Answer<Segment*> Service::find_to_repeat(const Session& session) {
    Segment* const segment = registry_.find_even_ended(session.last_attached);
    if (segment == nullptr || !session.attachments.contains(segment)) {
        return std::unexpected(NoSuchSegment{session.last_attached.text()});
    }
    return segment;
}

Answer<proto::Attach::Reply> Service::handle(Turn& turn, const proto::Attach& call) {
    Session& session = turn.session;
    const auto repeated = is_repeated(session, call);
    if (!repeated) {
        return std::unexpected(repeated.error());
    }
    const auto found = *repeated ? find_to_repeat(session) : find_to_attach(session, call);
    if (!found) {
        return std::unexpected(found.error());
    }
    Segment& segment = **found;
    auto may_attach = check_attach(session, call, segment);
    Charge charge;
    if (may_attach && !session.attachments.contains(&segment)) {
        if (segment.is.rights.uid != session.caller.uid) {
            if (auto refusal = quota_.keeps_too_much(session.caller.uid, segment.memory->size())) {
                return std::unexpected(*std::move(refusal));
            }
        }
        auto charged = quota_.charge(session.caller.uid, Resource::attachments, 1);
        if (!charged) {
            return std::unexpected(charged.error());
        }
        charge = *std::move(charged);
    }
    const auto fd = may_attach ? descriptor_for(call.access, segment, session.caller.uid)
                               : std::unexpected(may_attach.error());
    if (!fd) {
        if (*repeated) { // its caller takes it as not carried out, and would never detach
            take_back(session, segment, call.access);
            session.last_attached = {}; // a further repetition takes back nothing more
            archive_.keep_progress(session);
        }
        return std::unexpected(fd.error());
    }
    turn.out.lend(segment.memory, *fd);
    if (!*repeated) {
        count(session, call);
        if (call.serial) {
            session.last_attach_serial = *call.serial;
            session.last_attached = segment.is.id;
            archive_.keep_progress(session);
        }
        ++counters_.attachments;
        registry_.attach(session, segment, call.access, now_usec(), std::move(charge));
    }
    // Also if the call is repeated: it may come before the count is stored.
    if (call.waits && !segment.is_frozen()) {
        registry_.count_as_waiting(session, segment);
        update_watchers_before_sending(turn, segment, call.access);
    }
    return proto::MemoryReply{.segment = described(segment)};
}

// The reply is held back until the count is stored: from then on no change is missed. If it cannot be stored,
// the reply is replaced by that refusal, and the attachment taken back.
void Service::update_watchers_before_sending(Turn& turn, const Segment& segment, Access access) {
    auto condition = std::make_shared<Outgoing::Condition>();
    turn.out.condition = condition;
    executor_({.uid = segment.is.rights.uid,
               .memory = segment.memory.get(),
               .priority = Priority::urgent,
               .run = [this, condition, remains = segment.remains(), count = segment.waiting,
                       holder = turn.session.holder, id = segment.is.id, access]() mutable -> Completion {
                   auto stored = set_watchers(remains, count);
                   return [this, condition = std::move(condition), stored = std::move(stored), holder, id,
                           access] {
                       condition->met = true;
                       Session* const session = registry_.find_session(holder);
                       Segment* const attached = registry_.find_even_ended(id);
                       if (!stored) {
                           condition->refusal = refusal_of(stored.error(), abi::page);
                           if (session != nullptr && attached != nullptr) {
                               take_back(*session, *attached, access);
                           }
                       }
                       if (condition->wake) {
                           condition->wake();
                       }
                   };
               }});
}

Answer<Nothing> Service::handle(Turn& turn, const proto::Detach& call) {
    Session& session = turn.session;
    if (call.serial && *call.serial != 0 && *call.serial < session.last_serial) {
        return Nothing{}; // a client tells all again that it has no reply to; this was carried out
    }
    const auto repeated = is_repeated(session, call);
    if (!repeated) {
        return std::unexpected(repeated.error());
    }
    if (*repeated) {
        return Nothing{};
    }
    if (call.attached == 0U) {
        return invalid("attached");
    }
    count(session, call);
    archive_.keep_progress(session);
    if (call.attached && *call.attached != session.last_attach_serial) {
        return Nothing{}; // that Attach was not carried out
    }
    const proto::SegmentReference reference =
        call.attached ? proto::SegmentReference{.name = {}, .id = session.last_attached}
                      : proto::SegmentReference{call.name, call.id};
    const auto found = find_attached(session, reference);
    if (!found) {
        return std::unexpected(found.error());
    }
    if (!take_back(session, **found, call.access)) {
        return std::unexpected(NoSuchSegment{reference.words()});
    }
    return Nothing{};
}

} // namespace memshare::daemon
