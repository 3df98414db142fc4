// What each user may use of the broker, and all of them together. Pure.
//
// (The idea of a charge as an object that gives itself back is dbus-broker's UserCharge.)
#pragma once

#include "proto/limits.h"
#include "proto/refusal.h"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <optional>

namespace memshare::daemon {

// Those of what a user keeps of others are at the user's expense, but apart from what the user has made.
enum class Resource {
    sessions,
    segments,
    bytes,
    attachments,
    names,
    streams,
    unread_bytes,
    call_bytes,        // that have come in part, or wait for their turn
    description_bytes, // types that describe their fields, and long lists of groups
    initial_bytes,     // pages that the daemon has written, which the kernel counts as the daemon's
    kept_segments,     // that others have ended, and this user has attached still
    kept_bytes,
    descriptors
};
inline constexpr std::size_t resources = 13;

// As the interface calls it.
std::string_view name_of(Resource resource);

using Amounts = std::array<std::uint64_t, resources>; // indexed by Resource

struct Limits {
    static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

    Amounts per_user{proto::limits::sessions_per_user,
                     proto::limits::segments_per_user,
                     proto::limits::bytes_per_user,
                     proto::limits::attachments_per_user,
                     proto::limits::names_per_user,
                     proto::limits::streams_per_user,
                     proto::limits::unread_bytes_per_user,
                     proto::limits::call_bytes_per_user,
                     proto::limits::description_bytes_per_user,
                     proto::limits::initial_bytes_per_user,
                     proto::limits::kept_segments_per_user,
                     proto::limits::kept_bytes_per_user,
                     unlimited};
    Amounts total{proto::limits::sessions_total,
                  proto::limits::segments_total,
                  proto::limits::bytes_total,
                  proto::limits::attachments_total,
                  proto::limits::names_total,
                  proto::limits::streams_total,
                  proto::limits::unread_bytes_total,
                  proto::limits::call_bytes_total,
                  proto::limits::description_bytes_total,
                  proto::limits::initial_bytes_total,
                  unlimited,
                  unlimited,
                  unlimited};
    std::uint64_t for_sessions = 0; // of the descriptors, which segments leave free

    // Fits the descriptors to what the process may open, so that segments leave some for sessions.
    void fit_descriptors(std::uint64_t can_be_open);

    // No more initial contents than a quarter of the memory that the daemon's cgroups let it use.
    void fit_memory(std::uint64_t can_be_used);

    // What of a total this user may use up, having so much of it then: others keep a share, and those who use
    // little one more, which is root's alone.
    std::uint64_t total_for(std::uint32_t uid, Resource resource, std::uint64_t has) const;

    // The same of the descriptors, with the share that sessions keep.
    std::uint64_t descriptors_for(std::uint32_t uid, bool is_session, std::uint64_t has) const;
};

class Quota;

struct Amount {
    Resource resource{};
    std::uint64_t amount = 0;
    bool is_session = false; // of descriptors: a session takes them, so the share for segments does not bind
};

// What a user has of some resources; gives it back when it is destroyed. The quota outlives it.
class Charge {
  public:
    Charge() = default;
    Charge(Charge&& other) noexcept { *this = std::move(other); }
    Charge& operator=(Charge&& other) noexcept;
    Charge(const Charge&) = delete;
    Charge& operator=(const Charge&) = delete;
    ~Charge() { give_back(); }

    // From here on another user has it. What has been kept of somebody else's counts apart, and whatever the
    // limits are; segments and bytes do.
    void pass_to(std::uint32_t uid, bool is_kept);

  private:
    friend class Quota;
    Charge(Quota& quota, std::uint32_t uid) : quota_(&quota), uid_(uid) {}

    void take(Resource resource, std::uint64_t amount);
    void give_back();

    Quota* quota_ = nullptr;
    std::uint32_t uid_ = 0;
    bool is_kept_ = false;
    Amounts amounts_{};
};

class Quota {
  public:
    explicit Quota(const Limits& limits) : limits_(limits) {}
    Quota(const Quota&) = delete; // charges point to it
    Quota& operator=(const Quota&) = delete;
    ~Quota() = default;

    // All of it, or nothing: then the refusal says which limit would be passed.
    proto::Answer<Charge> charge(std::uint32_t uid, std::initializer_list<Amount> asked);
    proto::Answer<Charge> charge(std::uint32_t uid, Resource resource, std::uint64_t amount) {
        return charge(uid, {{resource, amount}});
    }

    // The refusal of one that keeps more of others' than the limits allow, if so.
    std::optional<proto::Refusal> keeps_too_much(std::uint32_t uid, std::uint64_t bytes) const;

    // Charges a user for what another one asks: so the user's own limit does not bind, and is not told, but
    // the total does.
    proto::Answer<Charge> charge_for_another(std::uint32_t uid, std::uint32_t asking, Resource resource,
                                             std::uint64_t amount);

    // What somebody has already, whatever the limits are by now.
    Charge charge_anyway(std::uint32_t uid, std::initializer_list<Amount> amounts);

    const Limits& limits() const { return limits_; }

    // From here on; who has more already keeps it.
    void set_limits(const Limits& limits) { limits_ = limits; }

    // What is used: in all, by one user, and by each who uses anything.
    const Amounts& total() const { return total_; }
    Amounts used_by(std::uint32_t uid) const;
    const std::map<std::uint32_t, Amounts>& users() const { return users_; }

  private:
    friend class Charge;
    std::optional<proto::QuotaExceeded> exceeded_in_all(std::uint32_t uid, const Amount& asked,
                                                        std::uint64_t has) const;
    void give_back(std::uint32_t uid, const Amounts& amounts, bool is_kept);
    void forget_if_idle(std::uint32_t uid);

    Limits limits_;
    Amounts total_{};
    std::map<std::uint32_t, Amounts> users_; // those who use anything
};

} // namespace memshare::daemon
