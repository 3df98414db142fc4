#include "daemon/quota.h"

#include <algorithm>
#include <utility>

namespace memshare::daemon {
namespace {

namespace limits = proto::limits;

constexpr std::array<std::string_view, resources> names{
    "sessions",  "segments",         "bytes",        "attachments",  "names",     "streams",    "unreadBytes",
    "callBytes", "descriptionBytes", "initialBytes", "keptSegments", "keptBytes", "descriptors"};

constexpr std::array<std::string_view, resources> total_names{
    "totalSessions",     "totalSegments",    "totalBytes",      "totalAttachments",      "totalNames",
    "totalStreams",      "totalUnreadBytes", "totalCallBytes",  "totalDescriptionBytes", "totalInitialBytes",
    "totalKeptSegments", "totalKeptBytes",   "totalDescriptors"};

std::size_t place_of(Resource resource) { return static_cast<std::size_t>(resource); }

bool exceeds(std::uint64_t used, std::uint64_t requested, std::uint64_t allowed) {
    return used > allowed || requested > allowed - used;
}

proto::QuotaExceeded exceeded(std::string_view limit, std::uint64_t allowed, std::uint64_t used,
                              std::uint64_t requested) {
    return {.limit = std::string(limit), .allowed = allowed, .used = used, .requested = requested};
}

bool is_of_bytes(Resource resource) {
    using enum Resource;
    return resource == bytes || resource == unread_bytes || resource == description_bytes ||
           resource == initial_bytes;
}

// What counts as something of one's own when it is kept of somebody else's; nothing, if it does not count
// then.
std::optional<std::size_t> place_when_kept(std::size_t at) {
    switch (static_cast<Resource>(at)) {
        case Resource::segments:
            return place_of(Resource::kept_segments);
        case Resource::bytes:
            return place_of(Resource::kept_bytes);
        default:
            return std::nullopt;
    }
}

void move_amounts(Amounts& user, const Amounts& amounts, bool is_kept, bool takes) {
    for (std::size_t at = 0; at < resources; ++at) {
        if (const auto place = is_kept ? place_when_kept(at) : at) {
            user[*place] += takes ? amounts[at] : 0 - amounts[at];
        }
    }
}

} // namespace

std::string_view name_of(Resource resource) { return names[place_of(resource)]; }

void Limits::fit_descriptors(std::uint64_t can_be_open) {
    const std::size_t at = place_of(Resource::descriptors);
    const std::uint64_t kept = limits::descriptors_kept;
    total[at] = can_be_open > kept ? can_be_open - kept : 0;
    for_sessions = std::min(limits::descriptors_for_sessions, total[at] / limits::share_of_others);
    const std::uint64_t for_segments = total[at] - for_sessions;
    per_user[at] = for_segments - for_segments / limits::descriptors_share;
}

void Limits::fit_memory(std::uint64_t can_be_used) {
    constexpr std::uint64_t quarter = 4;
    std::uint64_t& all = total[place_of(Resource::initial_bytes)];
    all = std::min(all, can_be_used / quarter);
}

std::uint64_t Limits::total_for(std::uint32_t uid, Resource resource, std::uint64_t has) const {
    const std::uint64_t all = total[place_of(resource)];
    const std::uint64_t unit = is_of_bytes(resource) ? 4 * limits::KiB : 1;
    if (uid == 0 || all == unlimited || all / unit < limits::least_shared) {
        return all;
    }
    const bool has_little = has <= std::max(all / limits::little_use, limits::least_use * unit);
    return all - all / (has_little ? 2 * limits::share_of_others : limits::share_of_others);
}

std::uint64_t Limits::descriptors_for(std::uint32_t uid, bool is_session, std::uint64_t has) const {
    const std::uint64_t all = total[place_of(Resource::descriptors)];
    if (all == unlimited) {
        return all;
    }
    const std::uint64_t own = is_session ? all : all - for_sessions;
    const std::uint64_t share = is_session ? for_sessions / 2 : own / limits::descriptors_share;
    const bool has_little = has <= std::max(all / limits::little_use, limits::least_use);
    return uid == 0 ? own : own - (has_little ? share / 2 : share);
}

Charge& Charge::operator=(Charge&& other) noexcept {
    if (this != &other) {
        give_back();
        quota_ = std::exchange(other.quota_, nullptr);
        uid_ = other.uid_;
        is_kept_ = other.is_kept_;
        amounts_ = other.amounts_;
    }
    return *this;
}

void Charge::take(Resource resource, std::uint64_t amount) {
    const std::size_t at = place_of(resource);
    quota_->total_[at] += amount;
    quota_->users_[uid_][at] += amount;
    amounts_[at] += amount;
}

void Charge::give_back() {
    if (quota_ != nullptr) {
        std::exchange(quota_, nullptr)->give_back(uid_, amounts_, is_kept_);
    }
}

void Charge::pass_to(std::uint32_t uid, bool is_kept) {
    if (quota_ == nullptr || (uid == uid_ && is_kept == is_kept_)) {
        return;
    }
    Amounts& taker = quota_->users_[uid]; // first, as nothing may fail after the other has given it back
    move_amounts(quota_->users_[uid_], amounts_, is_kept_, false);
    move_amounts(taker, amounts_, is_kept, true);
    quota_->forget_if_idle(uid_);
    uid_ = uid;
    is_kept_ = is_kept;
    quota_->forget_if_idle(uid_);
}

std::optional<proto::QuotaExceeded> Quota::exceeded_in_all(std::uint32_t uid, const Amount& asked,
                                                           std::uint64_t has) const {
    const std::size_t at = place_of(asked.resource);
    const std::uint64_t then =
        has > Limits::unlimited - asked.amount ? Limits::unlimited : has + asked.amount;
    const std::uint64_t allowed = asked.resource == Resource::descriptors
                                      ? limits_.descriptors_for(uid, asked.is_session, then)
                                      : limits_.total_for(uid, asked.resource, then);
    if (exceeds(total_[at], asked.amount, allowed)) {
        return exceeded(total_names[at], allowed, total_[at], asked.amount);
    }
    return std::nullopt;
}

proto::Answer<Charge> Quota::charge(std::uint32_t uid, std::initializer_list<Amount> asked) {
    Charge charge(*this, uid); // gives back what there is of it, if it is refused
    const Amounts& user = users_[uid];
    for (const Amount& one : asked) {
        const std::size_t at = place_of(one.resource);
        const std::uint64_t used = user[at];
        if (!one.is_session && exceeds(used, one.amount, limits_.per_user[at])) {
            return std::unexpected(exceeded(names[at], limits_.per_user[at], used, one.amount));
        }
        if (auto refusal = exceeded_in_all(uid, one, used)) {
            return std::unexpected(*std::move(refusal));
        }
        charge.take(one.resource, one.amount);
    }
    return charge;
}

proto::Answer<Charge> Quota::charge_for_another(std::uint32_t uid, std::uint32_t asking, Resource resource,
                                                std::uint64_t amount) {
    const Amount asked{resource, amount};
    if (auto refusal = exceeded_in_all(asking, asked, used_by(asking)[place_of(resource)])) {
        return std::unexpected(*std::move(refusal));
    }
    return charge_anyway(uid, {asked});
}

std::optional<proto::Refusal> Quota::keeps_too_much(std::uint32_t uid, std::uint64_t bytes) const {
    const Amounts used = used_by(uid);
    for (const auto& [resource, requested] :
         {std::pair(Resource::kept_segments, std::uint64_t{1}), std::pair(Resource::kept_bytes, bytes)}) {
        const std::size_t at = place_of(resource);
        if (used[at] >= limits_.per_user[at]) {
            return exceeded(names[at], limits_.per_user[at], used[at], requested);
        }
    }
    return std::nullopt;
}

Charge Quota::charge_anyway(std::uint32_t uid, std::initializer_list<Amount> amounts) {
    Charge charge(*this, uid);
    for (const Amount& one : amounts) {
        charge.take(one.resource, one.amount);
    }
    return charge;
}

Amounts Quota::used_by(std::uint32_t uid) const {
    const auto user = users_.find(uid);
    return user != users_.end() ? user->second : Amounts{};
}

void Quota::give_back(std::uint32_t uid, const Amounts& amounts, bool is_kept) {
    const auto user = users_.find(uid);
    if (user == users_.end()) {
        return; // the charge was of nothing
    }
    for (std::size_t at = 0; at < resources; ++at) {
        total_[at] -= amounts[at];
    }
    move_amounts(user->second, amounts, is_kept, false);
    forget_if_idle(uid);
}

void Quota::forget_if_idle(std::uint32_t uid) {
    const auto user = users_.find(uid);
    if (user != users_.end() && user->second == Amounts{}) {
        users_.erase(user);
    }
}

} // namespace memshare::daemon
