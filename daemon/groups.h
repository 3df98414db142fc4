// The groups of a process: sorted, and shared by all copies, as the kernel allows 65,536 of them. Pure.
#pragma once

#include "proto/limits.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace memshare::daemon {

class Groups {
  public:
    Groups() = default;
    Groups(std::initializer_list<std::uint32_t> all) : Groups(std::vector(all)) {}
    explicit Groups(std::vector<std::uint32_t> all) {
        if (!all.empty()) {
            std::ranges::sort(all);
            all_ = std::make_shared<const std::vector<std::uint32_t>>(std::move(all));
        }
    }

    bool contain(std::uint32_t group) const { return std::ranges::binary_search(all(), group); }

    // Ascending; borrowed.
    std::span<const std::uint32_t> all() const {
        return all_ != nullptr ? std::span(*all_) : std::span<const std::uint32_t>();
    }

    friend bool operator==(const Groups& one, const Groups& other) {
        return std::ranges::equal(one.all(), other.all());
    }

  private:
    std::shared_ptr<const std::vector<std::uint32_t>> all_;
};

// What the daemon holds of the groups of one session, here and in the ledger, beyond the usual number; in
// bytes.
inline std::uint64_t description_bytes(const Groups& groups) {
    constexpr std::uint64_t each = sizeof(std::uint32_t) + 2 * std::string_view("4294967295,").size();
    const std::size_t count = groups.all().size();
    return (count - std::min(count, proto::limits::groups_for_free)) * each;
}

} // namespace memshare::daemon
