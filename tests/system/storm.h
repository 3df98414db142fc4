// Clients of a broker that do all that clients do without a pause, and look whether anything is lost; whoever
// has them kills the broker meanwhile.
#pragma once

#include "tests/support/chance.h"
#include "tests/support/child_process.h"
#include "tests/support/shared.h"
#include <memshare/memshare.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace memshare::test {

class Storm {
  public:
    // Begins, at this socket.
    explicit Storm(const std::string& socket_path);

    // Until each client has got on a bit, wherever it is; false, if they do not.
    bool get_on();

    // Ends, and expects that nothing was lost and nothing is left.
    void end();

    // What has been done.
    std::string summary() const;

  private:
    static constexpr std::size_t clients = 8;

    struct Sums {
        std::uint64_t one, other; // always the same
    };

    // What is not in the segments: what the clients tell.
    struct Board {
        std::atomic<bool> over;
        std::atomic<int> inside; // how many have the lock
        std::atomic<std::uint64_t> met_another, torn, locked, updated, created, attached;
    };

    class Client;

    std::uint64_t used(std::string_view resource);

    Shared<Board> board_;
    Broker broker_;
    Value<Sums> sums_;
    Array<std::uint64_t> locked_;
    std::vector<ChildProcess> clients_;
};

} // namespace memshare::test
