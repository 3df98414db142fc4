// How long it pays to look for something before going to sleep.
#pragma once

#include <atomic>
#include <chrono>
#include <ctime>

namespace memshare::client {

// To wake from sleep across processors takes some 30 us, more than a call itself takes, so whoever expects
// something soon looks for it, awake, for a bounded time. It does so while that pays; when several looks in a
// row were in vain, only now and then; and never with one processor, where nobody else can run meanwhile.
// Several threads may share one.
class Patience {
  public:
    explicit Patience(std::chrono::microseconds longest) : longest_(longest) {}

    // How long to look this time; zero: sleep at once.
    std::chrono::microseconds next();

    // Whether it came while it was looked for.
    void learn(bool came);

  private:
    enum class Processors { not_known, one, several };

    static constexpr int vain_looks = 3;     // after so many in a row
    static constexpr int calls_between = 64; // look only in one of so many calls

    std::chrono::microseconds longest_;
    std::atomic<Processors> processors_ = Processors::not_known;
    std::atomic<int> in_vain_ = 0;
    std::atomic<int> calls_ = 0;
};

// One such look at a word in memory: `for (Spin spin(patience); spin.goes_on();) { look; }`. That it came is
// when the loop is left otherwise.
class Spin {
  public:
    // It rests between two looks, twice as long after each, up to so many times as long as at first.
    explicit Spin(Patience& patience, unsigned most_rests = 1)
        : patience_(patience), most_rests_(most_rests), look_(patience.next()) {}
    Spin(const Spin&) = delete;
    Spin& operator=(const Spin&) = delete;
    ~Spin();

    // False when it is time to sleep.
    bool goes_on();

  private:
    using Clock = std::chrono::steady_clock;

    Patience& patience_;
    unsigned most_rests_;
    unsigned rests_ = 1;
    std::chrono::microseconds look_;
    Clock::time_point until_{};
    unsigned looks_ = 0;
    bool in_vain_ = false;
};

// As futex(2) wants a time of the steady clock.
timespec as_timespec(std::chrono::steady_clock::time_point time);

} // namespace memshare::client
