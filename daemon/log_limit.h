// How much of the log one user may cause. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace memshare::daemon {

class LogLimit {
  public:
    using Clock = std::chrono::steady_clock;
    using User = std::optional<std::uint32_t>; // nothing: all of whom too much is remembered already

    // Whether one more entry about this user's processes may be written: some at once, and then one a second.
    bool allows(std::uint32_t uid, Clock::time_point now);

    // Of whom entries were not written, and how many; each is told once, some time after the first of them,
    // or at once.
    struct Suppressed {
        User user;
        std::size_t entries = 0;
    };
    enum class When { in_time, at_once };
    std::vector<Suppressed> take_suppressed(Clock::time_point now, When when = When::in_time);

  private:
    struct Account {
        double allowance = 0;
        Clock::time_point counted{};
        std::size_t suppressed = 0;
        Clock::time_point first_suppressed{};
    };

    Account& account_of(std::uint32_t uid, Clock::time_point now);
    static void refill(Account& account, Clock::time_point now);

    std::unordered_map<std::uint32_t, Account> users_;
    std::optional<Account> others_;
};

} // namespace memshare::daemon
