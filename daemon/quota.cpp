#include "daemon/quota.h"

#include <utility>

namespace memshare::daemon {
namespace {

constexpr std::array<std::string_view, resources> user_names{"sessions", "segments", "bytes", "attachments",
                                                             "descriptors"};
constexpr std::array<std::string_view, resources> total_names{"totalSessions", "totalSegments", "totalBytes",
                                                              "totalAttachments", "totalDescriptors"};

bool exceeds(std::uint64_t used, std::uint64_t requested, std::uint64_t allowed) {
    return used > allowed || requested > allowed - used;
}

} // namespace

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
        resource_ = other.resource_;
        amount_ = other.amount_;
    }
    return *this;
}

void Charge::give_back() {
    if (quota_ != nullptr) {
        std::exchange(quota_, nullptr)->give_back(uid_, resource_, amount_);
    }
}

proto::Answer<Charge> Quota::charge(std::uint32_t uid, Resource resource, std::uint64_t amount) {
    const auto at = static_cast<std::size_t>(resource);
    const auto user = users_.find(uid);
    const std::uint64_t used = user == users_.end() ? 0 : user->second[at];
    if (exceeds(used, amount, limits_.per_user[at])) {
        return std::unexpected(proto::QuotaExceeded{.limit = std::string(user_names[at]),
                                                    .allowed = limits_.per_user[at],
                                                    .used = used,
                                                    .requested = amount});
    }
    if (exceeds(total_[at], amount, limits_.total[at])) {
        return std::unexpected(proto::QuotaExceeded{.limit = std::string(total_names[at]),
                                                    .allowed = limits_.total[at],
                                                    .used = total_[at],
                                                    .requested = amount});
    }
    total_[at] += amount;
    users_[uid][at] += amount;
    return Charge(*this, uid, resource, amount);
}

void Quota::give_back(std::uint32_t uid, Resource resource, std::uint64_t amount) {
    const auto at = static_cast<std::size_t>(resource);
    total_[at] -= amount;
    const auto user = users_.find(uid);
    user->second[at] -= amount;
    if (user->second == Amounts{}) {
        users_.erase(user);
    }
}

} // namespace memshare::daemon
