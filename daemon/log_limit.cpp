#include "daemon/log_limit.h"

#include "proto/limits.h"

#include <algorithm>
#include <utility>

namespace memshare::daemon {
namespace {

constexpr double most_at_once = proto::limits::log_entries_at_once;
constexpr double each_second = proto::limits::log_entries_each_second;
constexpr std::size_t most_users = 1024;
constexpr std::chrono::seconds told_after{10};

} // namespace

void LogLimit::refill(Account& account, Clock::time_point now) {
    const std::chrono::duration<double> passed = now - std::exchange(account.counted, now);
    account.allowance = std::min(most_at_once, account.allowance + passed.count() * each_second);
}

// Of whom nothing was heard for long, nothing need be remembered. If that is of nobody, the newcomers share
// one account.
LogLimit::Account& LogLimit::account_of(std::uint32_t uid, Clock::time_point now) {
    const Account fresh{.allowance = most_at_once, .counted = now};
    if (auto known = users_.find(uid); known != users_.end()) {
        return known->second;
    }
    if (users_.size() >= most_users) {
        for (auto& [known, account] : users_) {
            refill(account, now);
        }
        std::erase_if(users_, [](const auto& user) {
            return user.second.suppressed == 0 && user.second.allowance >= most_at_once;
        });
    }
    if (users_.size() >= most_users) {
        return others_ ? others_.value() : others_.emplace(fresh);
    }
    return users_.emplace(uid, fresh).first->second;
}

bool LogLimit::allows(std::uint32_t uid, Clock::time_point now) {
    Account& account = account_of(uid, now);
    refill(account, now);
    if (account.allowance >= 1) {
        account.allowance -= 1;
        return true;
    }
    if (account.suppressed++ == 0) {
        account.first_suppressed = now;
    }
    return false;
}

std::vector<LogLimit::Suppressed> LogLimit::take_suppressed(Clock::time_point now, When when) {
    std::vector<Suppressed> all;
    const auto take = [&](User user, Account& account) {
        if (account.suppressed > 0 &&
            (when == When::at_once || now - account.first_suppressed >= told_after)) {
            all.push_back({user, std::exchange(account.suppressed, 0)});
        }
    };
    for (auto& [uid, account] : users_) {
        take(uid, account);
    }
    if (others_) {
        take(std::nullopt, *others_);
    }
    return all;
}

} // namespace memshare::daemon
