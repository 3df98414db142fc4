// What a test leaves to chance, and what the environment may say about that: how long, how often.
#pragma once

#include "tests/support/patience.h"

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>

namespace memshare::test {

// Never the same twice: what a kill finds depends on more than a seed. (But a forked child would draw what
// its parent draws, and has one of its own.)
class Chance {
  public:
    std::uint64_t below(std::uint64_t count) {
        return std::uniform_int_distribution<std::uint64_t>(0, count - 1)(dice_);
    }

    // Lets time pass, so that what comes then finds others wherever they have got to. Nobody may rely on it.
    void pause(microseconds longest) {
        std::this_thread::sleep_for(microseconds(below(static_cast<std::uint64_t>(longest.count()))));
    }

  private:
    std::mt19937_64 dice_{std::random_device{}()};
};

// A number of the environment's, if it has one.
inline std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr ? std::stoull(text) : otherwise;
}

} // namespace memshare::test
