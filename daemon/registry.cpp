#include "daemon/registry.h"

#include <cassert>

namespace memshare::daemon {

using proto::Access;
using proto::EventKind;
using proto::Lifetime;

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

Session& Registry::open_session(Peer peer, std::string token, Charge charge) {
    auto session = std::make_unique<Session>();
    session->holder = new_holder();
    session->token = std::move(token);
    session->caller = std::move(peer.caller);
    session->pid = peer.pid;
    session->process_inode = peer.process_inode;
    session->program = std::move(peer.program);
    session->charge = std::move(charge);
    Session& opened = *session;
    sessions_by_token_.emplace(opened.token, &opened);
    sessions_.emplace(opened.holder, std::move(session));
    return opened;
}

Session* Registry::find_session(HolderId holder) {
    const auto found = sessions_.find(holder);
    return found == sessions_.end() ? nullptr : found->second.get();
}

Session* Registry::find_session_by_token(std::string_view token) {
    const auto found = sessions_by_token_.find(token);
    return found == sessions_by_token_.end() ? nullptr : found->second;
}

std::vector<Registry::Left> Registry::end_session(Session& session) {
    std::vector<Left> left;
    // Each of these takes itself out of the set.
    while (!session.creations.empty()) {
        end(**session.creations.begin(), &session);
    }
    while (!session.attachments.empty()) {
        const auto& [segment, attachment] = *session.attachments.begin();
        const Left one{.segment = segment, .written = attachment.writers > 0, .waited = attachment.waits};
        if (drop_attachment(session, *segment)) {
            left.push_back(one);
        }
    }
    sessions_by_token_.erase(session.token);
    sessions_.erase(session.holder);
    return left;
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

Segment& Registry::create(Session& creator, Blueprint blueprint, Memory memory, Charges charges) {
    assert(find_even_ended(blueprint.id) == nullptr && (!blueprint.name || find(*blueprint.name) == nullptr));
    auto made = std::make_unique<Segment>(Segment{.is = std::move(blueprint),
                                                  .memory = std::make_shared<Memory>(std::move(memory)),
                                                  .creator_pid = creator.pid,
                                                  .creator_program = creator.program,
                                                  .creator = creator.holder,
                                                  .age = ++last_age_,
                                                  .last_recovery = {},
                                                  .charge = std::move(charges.segment),
                                                  .name_charge = std::move(charges.name),
                                                  .attached = {}});
    Segment& segment = *made;
    segments_.emplace(segment.is.id, std::move(made));
    by_age_.emplace_hint(by_age_.end(), segment.age, &segment);
    if (segment.is.name) {
        by_name_.emplace(*segment.is.name, &segment);
    }
    if (segment.is.lifetime == Lifetime::creator) {
        creator.creations.insert(&segment);
    }
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
    Left left{.segment = &segment, .written = writing && handles == 0, .waited = false};
    if (attachment.readers + attachment.writers == 0) {
        left.waited = attachment.waits;
        if (!drop_attachment(session, segment)) {
            left.segment = nullptr;
        }
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
    const bool last = segment.attached.empty();
    if (last && !segment.ended && (segment.is.lifetime == Lifetime::attached || !segment.is.name)) {
        end(segment, nullptr);
        return false;
    }
    return !bury_if_unused(segment);
}

void Registry::publish(Segment& segment, proto::SegmentName name, Charge charge, const Session* by) {
    assert(!segment.ended && !segment.is.name && find(name) == nullptr);
    by_name_.emplace(name, &segment);
    segment.is.name = std::move(name);
    segment.name_charge = std::move(charge);
    happened(EventKind::published, segment, by);
}

bool Registry::change(Segment& segment, const Change& change, const Session* by) {
    assert(!segment.ended);
    Session* const creator = find_session(segment.creator);
    if (change.lifetime == Lifetime::creator && creator == nullptr) {
        return false;
    }
    segment.is.lifetime = change.lifetime.value_or(segment.is.lifetime);
    segment.is.rights.gid = change.gid.value_or(segment.is.rights.gid);
    segment.is.rights.mode = change.mode.value_or(segment.is.rights.mode);
    if (segment.is.lifetime == Lifetime::creator) {
        creator->creations.insert(&segment);
    } else if (creator != nullptr) {
        creator->creations.erase(&segment);
    }
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
    if (Session* creator = find_session(segment.creator)) {
        creator->creations.erase(&segment);
    }
    bury_if_unused(segment);
}

bool Registry::bury_if_unused(Segment& segment) {
    if (!segment.ended || !segment.attached.empty()) {
        return false;
    }
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
