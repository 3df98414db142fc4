// Shares the loop's time between users, so that one who calls without end waits for himself and not others
// for him.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <unordered_map>

namespace memshare::daemon {

// What is to be done for a user is cut into steps, and between two of them the loop looks who else has come.
// Then it is the turn of whoever had least of the time lately; a user's own steps are taken in the order that
// they came in: some of known connections for one of a new one, and one of a session that ends for one of the
// others. So however many connections one user has,
// another waits for one step of his at most; and however many he opens, his others go on.
class Turns {
  public:
    using Step = std::move_only_function<void()>;
    enum class Of { known, newcomer, ending };

    explicit Turns(asio::io_context& loop) : loop_(loop) {}
    Turns(const Turns&) = delete; // the loop knows it
    Turns& operator=(const Turns&) = delete;
    ~Turns() = default;

    // Takes the step when it is this user's turn: at once, if nobody waits and this is the first one since
    // the loop has looked.
    void take(std::uint32_t uid, Of whom, Step step);

    // The same for a coroutine, whose step goes on until it waits for something: whether it is its turn
    // already; and if not, waits until it is.
    bool is_now();
    asio::awaitable<void> come(std::uint32_t uid);

    // Whether the step that is being taken has been long enough.
    bool is_over() const { return Clock::now() - began_ > long_enough; }

  private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::microseconds long_enough{50}; // to be worth the loop's look in between
    struct Queue {
        std::deque<Step> known, newcomers, endings;
        int known_in_a_row = 0;
        bool last_was_ending = false;
        Clock::duration used{}; // of the loop's time, compared with others who wait
        std::uint64_t came = 0; // who came first goes first
    };

    static Step first_of(Queue& queue);
    void look_again();
    void go_on();
    void take_next();

    asio::io_context& loop_;
    std::unordered_map<std::uint32_t, Queue> waiting_; // by user
    Clock::duration least_used_{};                     // where somebody begins who had to wait for nobody yet
    std::uint64_t arrivals_ = 0;
    Clock::time_point began_;
    bool looks_again_ = false;
};

} // namespace memshare::daemon
