#include "client/src/credentials.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>

namespace memshare::client {
namespace {

// Calls use(groups) with the supplementary groups of this process.
auto with_groups(auto use) {
    std::array<gid_t, 64> usual{};
    const int count = getgroups(static_cast<int>(usual.size()), usual.data());
    if (count >= 0) {
        return use(std::span<const gid_t>(usual).first(static_cast<std::size_t>(count)));
    }
    std::vector<gid_t> many(65536); // NGROUPS_MAX
    many.resize(static_cast<std::size_t>(std::max(0, getgroups(static_cast<int>(many.size()), many.data()))));
    return use(std::span<const gid_t>(many));
}

} // namespace

Credentials Credentials::now() {
    Credentials made;
    made.user_ = geteuid();
    made.group_ = getegid();
    made.others_ = with_groups(
        [](std::span<const gid_t> groups) { return std::vector<gid_t>(groups.begin(), groups.end()); });
    return made;
}

bool Credentials::are_current() const {
    return user_ == geteuid() && group_ == getegid() &&
           with_groups([this](std::span<const gid_t> groups) { return std::ranges::equal(groups, others_); });
}

} // namespace memshare::client
