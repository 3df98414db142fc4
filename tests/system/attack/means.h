// What several attacks need.
#pragma once

#include "tests/support/chance.h"
#include "tests/support/child_process.h"
#include "tests/support/raw_peer.h"

#include <unistd.h>

#include <atomic>
#include <thread>

namespace memshare::test::attack {

// How long the part of an attack lasts that only repeats itself.
inline constexpr milliseconds a_while{500};

inline void for_a_while(const auto& again) {
    for (const auto until = Clock::now() + a_while; Clock::now() < until;) {
        again();
    }
}

// An unnamed array of bytes.
inline Json bytes(std::size_t count, const Json& options = Json::object()) {
    Json parameters{{"form", "array"}, {"element", {{"kind", "u8"}}}, {"count", count}};
    parameters.update(options);
    return parameters;
}

// Makes a segment. Throws, if the broker refuses it: the attack is then out of quota, and starts anew.
struct Made {
    std::string id;
    proto::Fd memory;
};
inline Made make(RawPeer& peer, const Json& parameters) {
    auto answer = peer.call("Create", parameters);
    if (!answer.error().empty() || answer.fds.empty()) {
        throw std::runtime_error("no segment: " + answer.error());
    }
    return {answer["segment"]["id"], std::move(answer.fds.front())};
}

// A child process. If the broker refuses it what it needs, it ends without a word: then so does the attack's
// round.
inline ChildProcess child(const ChildProcess::Work& work) {
    return ChildProcess([work](Lines& parent) {
        try {
            work(parent);
        } catch (const std::exception& /*it is out of quota, or was hung up on*/) {
            _exit(0);
        }
    });
}

// Attacks that take all that their user may have leave the user's other attacks some time without them.
inline void leave_some_to_others() { std::this_thread::sleep_for(4 * a_while); }

// A thread that does the same until it is destroyed.
class Meanwhile {
  public:
    explicit Meanwhile(auto again)
        : thread_([again](const std::stop_token& over) {
              while (!over.stop_requested()) {
                  again();
              }
          }) {}

  private:
    std::jthread thread_;
};

} // namespace memshare::test::attack
