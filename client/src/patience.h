// How long it pays to look for an answer before going to sleep.
#pragma once

#include <chrono>

namespace memshare::client {

// To wake from sleep across processors takes some 30 us, more than a call itself takes, so a caller that
// expects an answer soon looks for it, awake, for a bounded time. It does so while that pays; when several
// looks in a row were in vain, only now and then; and never with one processor, where the broker cannot run
// meanwhile.
class Patience {
  public:
    Patience();

    // How long to look this time; zero: sleep at once.
    std::chrono::microseconds next();

    // Whether the answer came while it was looked for.
    void learn(bool came);

  private:
    static constexpr std::chrono::microseconds longest{50};
    static constexpr int vain_looks = 3;     // after so many in a row
    static constexpr int calls_between = 64; // look only in one of so many calls

    bool several_processors_;
    int in_vain_ = 0;
    int calls_ = 0;
};

} // namespace memshare::client
