#include "daemon/quota.h"

#include <utility>

namespace memshare::daemon {
namespace {

constexpr std::array<std::string_view, resources> names{"sessions",    "segments",  "bytes",
                                                        "attachments", "names",     "streams",
                                                        "unreadBytes", "callBytes", "descriptors"};

constexpr std::array<std::string_view, resources> total_names{
    "totalSessions", "totalSegments",    "totalBytes",     "totalAttachments", "totalNames",
    "totalStreams",  "totalUnreadBytes", "totalCallBytes", "totalDescriptors"};

bool exceeds(std::uint64_t used, std::uint64_t requested, std::uint64_t allowed) {
    return used > allowed || requested > allowed - used;
}

} // namespace

std::string_view name_of(Resource resource) { return names[static_cast<std::size_t>(resource)]; }

void Limits::fit_descriptors(std::uint64_t can_be_open) {
    constexpr auto at = static_cast<std::size_t>(Resource::descriptors);
    const std::uint64_t kept = proto::limits::descriptors_kept;
    total[at] = can_be_open > kept ? can_be_open - kept : 0;
    per_user[at] = total[at] - total[at] / proto::limits::descriptors_share;
}

Charge& Charge::operator=(Charge&& other) noexcept {
    if (this != &other) {
        give_back();
        quota_ = std::exchange(other.quota_, nullptr);
        uid_ = other.uid_;
        amounts_ = other.amounts_;
    }
    return *this;
}

void Charge::take(Resource resource, std::uint64_t amount) {
    const auto at = static_cast<std::size_t>(resource);
    quota_->total_[at] += amount;
    quota_->users_[uid_][at] += amount;
    amounts_[at] += amount;
}

void Charge::give_back() {
    if (quota_ != nullptr) {
        std::exchange(quota_, nullptr)->give_back(uid_, amounts_);
    }
}

proto::Answer<Charge> Quota::charge(std::uint32_t uid, std::initializer_list<Amount> asked) {
    const auto refuse = [](std::string_view limit, std::uint64_t allowed, std::uint64_t used,
                           std::uint64_t requested) {
        return std::unexpected(proto::QuotaExceeded{
            .limit = std::string(limit), .allowed = allowed, .used = used, .requested = requested});
    };
    const Amounts& user = users_[uid];
    Charge charge(*this, uid); // gives back what there is of it, if it is refused
    for (const auto& [resource, amount] : asked) {
        const auto at = static_cast<std::size_t>(resource);
        const std::uint64_t used = user[at];
        if (exceeds(used, amount, limits_.per_user[at])) {
            return refuse(names[at], limits_.per_user[at], used, amount);
        }
        if (exceeds(total_[at], amount, limits_.total[at])) {
            return refuse(total_names[at], limits_.total[at], total_[at], amount);
        }
        charge.take(resource, amount);
    }
    return charge;
}

Charge Quota::charge_anyway(std::uint32_t uid, std::initializer_list<Amount> amounts) {
    Charge charge(*this, uid);
    for (const auto& [resource, amount] : amounts) {
        charge.take(resource, amount);
    }
    return charge;
}

Amounts Quota::used_by(std::uint32_t uid) const {
    const auto user = users_.find(uid);
    return user != users_.end() ? user->second : Amounts{};
}

void Quota::give_back(std::uint32_t uid, const Amounts& amounts) {
    const auto user = users_.find(uid);
    if (user == users_.end()) {
        return; // the charge was of nothing
    }
    for (std::size_t at = 0; at < resources; ++at) {
        total_[at] -= amounts[at];
        user->second[at] -= amounts[at];
    }
    if (user->second == Amounts{}) {
        users_.erase(user);
    }
}

} // namespace memshare::daemon
