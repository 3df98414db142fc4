#include "daemon/registry.h"

#include <algorithm>
#include <cassert>

namespace memshare::daemon {

using proto::Access;
using proto::EventKind;
using proto::Lifetime;

namespace {

// Nobody has it attached, and by that it ends.
bool is_unused(const Segment& segment) {
    return segment.attached.empty() && (segment.is.lifetime == Lifetime::attached || !segment.is.name);
}

} // namespace

constexpr HolderId most_holders = (HolderId{1} << 30) - 1;

// Going round, so that a holder id that a lock word may still bear is not given out again soon.
HolderId Registry::new_holder() {
    do {
        last_holder_ = last_holder_ % most_holders + 1;
    } while (sessions_.contains(last_holder_));
    return last_holder_;
}

Remains Segment::remains() const {
    return {.memory = memory,
            .counts_changes = is.type.form == proto::Form::array || abi::stored_at_once(is.type.element.size),
            .exclusive_writer = is.exclusive_writer};
}

Blueprint Segment::blueprint() const {
    Blueprint whole = is;
    whole.type.element.fields = fields.unpacked();
    return whole;
}

Session& Registry::open_session(Peer peer, std::string token, Admission admission, Deposit deposit) {
    auto session = std::make_unique<Session>();
    session->holder = new_holder();
    session->token = std::move(token);
    session->caller = std::move(peer.caller);
    session->pid = peer.pid;
    session->process_inode = peer.process_inode;
    session->process_fd = std::move(peer.process);
    session->program = std::move(peer.program);
    session->charge = std::move(admission.charge);
    session->groups_charge = std::move(admission.groups);
    session->guest = std::move(admission.guest);
    session->deposit = std::move(deposit);
    Session& opened = restore(std::move(session));
    keeper_.keep(opened);
    return opened;
}

Session& Registry::restore(std::unique_ptr<Session> session) {
    Session& restored = *session;
    sessions_by_token_.emplace(restored.token, &restored);
    sessions_.emplace(restored.holder, std::move(session));
    ++sessions_by_user_[restored.caller.uid];
    return restored;
}

void Registry::change_caller(Session& session, Caller caller) {
    count_out(session);
    session.caller = std::move(caller);
    ++sessions_by_user_[session.caller.uid];
    keeper_.keep(session);
}

void Registry::count_out(const Session& session) {
    if (const auto user = sessions_by_user_.find(session.caller.uid); --user->second == 0) {
        sessions_by_user_.erase(user);
    }
}

Segment& Registry::restore(std::unique_ptr<Segment> segment) {
    Segment& restored = *segment;
    restored.fields = PackedFields(std::exchange(restored.is.type.element.fields, {}));
    segments_.emplace(restored.is.id, std::move(segment));
    last_age_ = std::max(last_age_, restored.age);
    if (restored.ended) {
        return restored;
    }
    by_age_.emplace_hint(by_age_.end(), restored.age, &restored);
    if (restored.is.name) {
        by_name_.emplace(*restored.is.name, &restored);
    }
    Session* const creator = find_session(restored.creator);
    if (creator != nullptr && restored.is.lifetime == Lifetime::creator) {
        creator->creations.insert(&restored);
    }
    return restored;
}

void Registry::restore(Session& session, Segment& segment, Attachment attachment) {
    segment.waiting += attachment.waits ? 1 : 0;
    session.attachments.emplace(&segment, std::move(attachment));
    segment.attached.insert(&session);
}

void Registry::restored(HolderId last_holder) {
    last_holder_ = last_holder;
    std::vector<Segment*> all;
    all.reserve(segments_.size());
    for (const auto& [id, segment] : segments_) {
        all.push_back(segment.get());
    }
    for (Segment* segment : all) {
        const bool is_orphan =
            segment->is.lifetime == Lifetime::creator && find_session(segment->creator) == nullptr;
        if (!segment->ended && (is_orphan || is_unused(*segment))) {
            end(*segment);
        } else if (segment->ended && !bury_if_unused(*segment)) {
            find_payer(*segment);
        }
    }
}

Session* Registry::find_session(HolderId holder) {
    Session* const found = find_even_ended_session(holder);
    return found == nullptr || found->ended ? nullptr : found;
}

Session* Registry::find_session_by_token(std::string_view token) {
    const auto found = sessions_by_token_.find(token);
    return found == sessions_by_token_.end() ? nullptr : found->second;
}

Session* Registry::find_even_ended_session(HolderId holder) {
    const auto found = sessions_.find(holder);
    return found == sessions_.end() ? nullptr : found->second.get();
}

void Registry::end(Session& session) {
    session.ended = true;
    sessions_by_token_.erase(session.token);
    count_out(session);
}

bool Registry::end_one_creation(Session& session) {
    assert(session.ended);
    if (session.creations.empty()) {
        return false;
    }
    end(**session.creations.begin(), &session); // which takes itself out of the set
    return true;
}

std::optional<Registry::Left> Registry::drop_one_attachment(Session& session) {
    assert(session.ended);
    if (session.attachments.empty()) {
        return std::nullopt;
    }
    auto& [segment, attachment] = *session.attachments.begin();
    Left left{.segment = segment, .written = attachment.writers > 0, .waited = attachment.waits};
    if (attachment.recovered) {
        left.written = false; // nothing is left to make good there
    }
    segment->waiting -= attachment.waits ? 1 : 0;
    left.record = std::move(attachment.record);
    if (!drop_attachment(session, *segment)) {
        left.segment = nullptr;
    }
    return left;
}

Registry::Legacy Registry::finish(Session& session) {
    assert(session.ended && session.holds_nothing());
    Legacy legacy{.session = std::move(session.record),
                  .progress = std::move(session.progress),
                  .process = std::move(session.deposit)};
    sessions_.erase(session.holder);
    return legacy;
}

Segment* Registry::find(const proto::SegmentId& id) {
    Segment* found = find_even_ended(id);
    return found == nullptr || found->ended ? nullptr : found;
}

Segment* Registry::find_even_ended(const proto::SegmentId& id) {
    const auto found = segments_.find(id);
    return found == segments_.end() ? nullptr : found->second.get();
}

Segment* Registry::find(const proto::SegmentName& name) {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

Segment& Registry::create(Session& creator, Blueprint blueprint, std::shared_ptr<Memory> memory,
                          Charges charges, Deposit deposit, std::uint64_t initial_bytes) {
    assert(find_even_ended(blueprint.id) == nullptr && (!blueprint.name || find(*blueprint.name) == nullptr));
    auto made = std::make_unique<Segment>(Segment{.is = std::move(blueprint),
                                                  .memory = std::move(memory),
                                                  .creator_pid = creator.pid,
                                                  .creator_program = creator.program,
                                                  .creator = creator.holder,
                                                  .age = last_age_ + 1,
                                                  .last_recovery = {},
                                                  .charge = std::move(charges.segment),
                                                  .name_charge = std::move(charges.name),
                                                  .descriptor_charge = std::move(charges.descriptor),
                                                  .reading_charge = {},
                                                  .record = {},
                                                  .deposit = std::move(deposit),
                                                  .attached = {},
                                                  .initial_bytes = initial_bytes});
    Segment& segment = restore(std::move(made));
    keeper_.keep(segment);
    happened(EventKind::created, segment, &creator);
    attach(creator, segment, Access::write, segment.is.created_usec, std::move(charges.attachment));
    return segment;
}

void Registry::attach(Session& session, Segment& segment, Access access, std::uint64_t now_usec,
                      Charge charge) {
    const auto [place, is_new] = session.attachments.try_emplace(&segment);
    if (is_new) {
        place->second.since_usec = now_usec;
        place->second.charge = std::move(charge);
        segment.attached.insert(&session);
        happened(EventKind::attached, segment, &session);
    }
    ++(access == Access::write ? place->second.writers : place->second.readers);
    keeper_.keep(session, segment, place->second);
}

void Registry::count_as_waiting(Session& session, Segment& segment) {
    Attachment& attachment = session.attachments.at(&segment);
    if (!std::exchange(attachment.waits, true)) {
        ++segment.waiting;
        keeper_.keep(session, segment, attachment);
    }
}

std::optional<Registry::Left> Registry::detach(Session& session, Segment& segment,
                                               std::optional<Access> access) {
    const auto place = session.attachments.find(&segment);
    if (place == session.attachments.end()) {
        return std::nullopt;
    }
    Attachment& attachment = place->second;
    const bool writing = access ? *access == Access::write : attachment.writers > 0;
    std::uint32_t& handles = writing ? attachment.writers : attachment.readers;
    if (handles == 0) {
        return std::nullopt;
    }
    --handles;
    const bool is_last = attachment.readers + attachment.writers == 0;
    Left left{.segment = &segment,
              .written = writing && handles == 0,
              .waited = is_last && std::exchange(attachment.waits, false)};
    segment.waiting -= left.waited ? 1 : 0;
    keeper_.keep(session, segment, attachment);
    if (is_last) {
        left.record = std::move(attachment.record);
        if (!drop_attachment(session, segment)) {
            left.segment = nullptr;
        }
    } else if (left.written) { // what it has left is kept apart from what it has
        Attachment none;
        keeper_.keep(session, segment, none);
        left.record = std::move(none.record);
    }
    return left;
}

bool Registry::writes(const Session& session, const Segment& segment) {
    const auto place =
        session.attachments.find(const_cast<Segment*>(&segment)); // NOLINT(*-const-cast): a key
    return place != session.attachments.end() && place->second.writers > 0;
}

// Whether the segment is still there.
bool Registry::drop_attachment(Session& session, Segment& segment) {
    session.attachments.erase(&segment);
    segment.attached.erase(&session);
    happened(EventKind::detached, segment, &session);
    if (!segment.ended && is_unused(segment)) {
        end(segment, nullptr);
        return false;
    }
    if (bury_if_unused(segment)) {
        return false;
    }
    if (segment.ended && session.caller.uid == segment.kept_by.value_or(segment.is.rights.uid)) {
        find_payer(segment);
    }
    return true;
}

// The memory of a segment that has ended is at the expense of a user who has it: its owner's, as long as that
// is one of them; or a stranger who keeps what the owner has ended would use up what the owner may have.
void Registry::find_payer(Segment& segment) {
    const std::uint32_t owner = segment.is.rights.uid;
    const auto has_it = [&](std::uint32_t uid) {
        return std::ranges::any_of(segment.attached,
                                   [&](const Session* one) { return one->caller.uid == uid; });
    };
    if (has_it(owner)) {
        segment.kept_by.reset();
    } else if (!segment.kept_by || !has_it(*segment.kept_by)) {
        segment.kept_by = (*segment.attached.begin())->caller.uid;
    }
    const std::uint32_t payer = segment.kept_by.value_or(owner);
    for (Charge* charge : {&segment.charge, &segment.descriptor_charge, &segment.reading_charge}) {
        charge->pass_to(payer, payer != owner);
    }
}

void Registry::publish(Segment& segment, proto::SegmentName name, Charge charge, const Session* by) {
    assert(!segment.ended && !segment.is.name && find(name) == nullptr);
    by_name_.emplace(name, &segment);
    segment.is.name = std::move(name);
    segment.name_charge = std::move(charge);
    keeper_.keep(segment);
    happened(EventKind::published, segment, by);
}

bool Registry::change(Segment& segment, const Change& change, const Session* by) {
    assert(!segment.ended);
    Session* const creator = find_even_ended_session(segment.creator);
    if (change.lifetime == Lifetime::creator && (creator == nullptr || creator->ended)) {
        return false;
    }
    segment.is.lifetime = change.lifetime.value_or(segment.is.lifetime);
    segment.is.rights.gid = change.gid.value_or(segment.is.rights.gid);
    segment.is.rights.mode = change.mode.value_or(segment.is.rights.mode);
    if (segment.is.lifetime == Lifetime::creator) {
        assert(creator != nullptr); // or the segment would have ended with it
        creator->creations.insert(&segment);
    } else if (creator != nullptr) {
        creator->creations.erase(&segment);
    }
    keeper_.keep(segment);
    happened(EventKind::changed, segment, by);
    if (segment.is.lifetime == Lifetime::attached && segment.attached.empty()) {
        end(segment, by);
    }
    return true;
}

void Registry::end(Segment& segment, const Session* by) {
    assert(!segment.ended);
    segment.ended = true;
    happened(EventKind::ended, segment, by);
    if (segment.is.name) {
        by_name_.erase(*segment.is.name);
        segment.name_charge = {};
    }
    by_age_.erase(segment.age);
    if (Session* creator = find_even_ended_session(segment.creator)) {
        creator->creations.erase(&segment);
    }
    if (!bury_if_unused(segment)) {
        find_payer(segment);
        keeper_.keep(segment);
    }
}

bool Registry::bury_if_unused(Segment& segment) {
    if (!segment.ended || !segment.attached.empty()) {
        return false;
    }
    segment.deposit.take_out(std::move(segment.descriptor_charge));
    segment.memory->release();
    released_.push_back(std::move(segment.memory));
    segments_.erase(segment.is.id);
    return true;
}

Segment* Registry::next_after(std::uint64_t age) {
    const auto found = by_age_.upper_bound(age);
    return found == by_age_.end() ? nullptr : found->second;
}

} // namespace memshare::daemon
