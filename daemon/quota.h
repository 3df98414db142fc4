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
#include <unordered_map>

namespace memshare::daemon {

enum class Resource {
    sessions,
    segments,
    bytes,
    attachments,
    names,
    streams,
    unread_bytes,
    call_bytes,
    descriptors
};
inline constexpr std::size_t resources = 9;

// As the interface calls it.
std::string_view name_of(Resource resource);

using Amounts = std::array<std::uint64_t, resources>; // indexed by Resource

struct Limits {
    Amounts per_user{proto::limits::sessions_per_user,
                     proto::limits::segments_per_user,
                     proto::limits::bytes_per_user,
                     proto::limits::attachments_per_user,
                     proto::limits::names_per_user,
                     proto::limits::streams_per_user,
                     proto::limits::unread_bytes_per_user,
                     proto::limits::call_bytes_per_user,
                     unlimited};
    Amounts total{
        proto::limits::sessions_total,     proto::limits::segments_total,   proto::limits::bytes_total,
        proto::limits::attachments_total,  proto::limits::names_total,      proto::limits::streams_total,
        proto::limits::unread_bytes_total, proto::limits::call_bytes_total, unlimited};

    // Fits the descriptors to what the process may open.
    void fit_descriptors(std::uint64_t can_be_open);

    static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
};

class Quota;

struct Amount {
    Resource resource;
    std::uint64_t amount;
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

  private:
    friend class Quota;
    Charge(Quota& quota, std::uint32_t uid) : quota_(&quota), uid_(uid) {}

    void take(Resource resource, std::uint64_t amount);
    void give_back();

    Quota* quota_ = nullptr;
    std::uint32_t uid_ = 0;
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

    // What somebody has already, whatever the limits are by now.
    Charge charge_anyway(std::uint32_t uid, std::initializer_list<Amount> amounts);

    const Limits& limits() const { return limits_; }

    // From here on; who has more already keeps it.
    void set_limits(const Limits& limits) { limits_ = limits; }

    // What is used: in all, by one user, and by each who uses anything.
    const Amounts& total() const { return total_; }
    Amounts used_by(std::uint32_t uid) const;
    const std::unordered_map<std::uint32_t, Amounts>& users() const { return users_; }

  private:
    friend class Charge;
    void give_back(std::uint32_t uid, const Amounts& amounts);

    Limits limits_;
    Amounts total_{};
    std::unordered_map<std::uint32_t, Amounts> users_; // those who use anything
};

} // namespace memshare::daemon
