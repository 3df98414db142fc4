#include "daemon/turns.h"

#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

namespace memshare::daemon {

void Turns::take(std::uint32_t uid, Of whom, Step step) {
    if (is_now()) {
        step();
        return;
    }
    const auto [queue, is_new] = waiting_.try_emplace(uid);
    if (is_new) {
        queue->second.used = least_used_;
        queue->second.came = ++arrivals_;
    }
    std::deque<Step>& steps = whom == Of::known      ? queue->second.known
                              : whom == Of::newcomer ? queue->second.newcomers
                                                     : queue->second.endings;
    steps.push_back(std::move(step));
}

bool Turns::is_now() {
    if (looks_again_) {
        return false;
    }
    look_again();
    began_ = Clock::now();
    return true;
}

asio::awaitable<void> Turns::come(std::uint32_t uid) {
    const auto begin = [this, uid](auto handler) { take(uid, Of::known, std::move(handler)); };
    auto turn = asio::async_initiate<const asio::use_awaitable_t<>, void()>(begin, asio::use_awaitable);
    co_await std::move(turn);
}

// What the loop has found ready by now comes before what is posted here, and so does its next look.
void Turns::look_again() {
    looks_again_ = true;
    asio::post(loop_, [this] { go_on(); });
}

void Turns::go_on() {
    looks_again_ = false;
    if (!waiting_.empty()) {
        look_again();
        take_next();
    }
}

// Each newcomer is soon one of those who are known: would it be one for one, as many as have once come
// together would stay.
Turns::Step Turns::first_of(Queue& queue) {
    constexpr int known_for_one_newcomer = 3;
    const bool others_wait = !queue.known.empty() || !queue.newcomers.empty();
    queue.last_was_ending = !queue.endings.empty() && (!queue.last_was_ending || !others_wait);
    if (queue.last_was_ending) {
        Step step = std::move(queue.endings.front());
        queue.endings.pop_front();
        return step;
    }
    const bool is_newcomers_turn = queue.known_in_a_row >= known_for_one_newcomer && !queue.newcomers.empty();
    const bool of_newcomer = queue.known.empty() || is_newcomers_turn;
    queue.known_in_a_row = of_newcomer ? 0 : std::min(queue.known_in_a_row + 1, known_for_one_newcomer);
    std::deque<Step>& steps = of_newcomer ? queue.newcomers : queue.known;
    Step step = std::move(steps.front());
    steps.pop_front();
    return step;
}

void Turns::take_next() {
    const auto next = std::ranges::min_element(
        waiting_, {}, [](const auto& user) { return std::pair(user.second.used, user.second.came); });
    const std::uint32_t uid = next->first;
    least_used_ = next->second.used;
    Step step = first_of(next->second);
    began_ = Clock::now();
    const auto start = began_; // of this one, whatever it calls
    step();
    // Only now, as the step may have brought the next one of the same user.
    const auto queue = waiting_.find(uid);
    queue->second.used += Clock::now() - start;
    if (queue->second.known.empty() && queue->second.newcomers.empty() && queue->second.endings.empty()) {
        waiting_.erase(queue);
    }
}

} // namespace memshare::daemon
