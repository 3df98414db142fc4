// A client in a process of its own that does its work all the while, and notices whether others disturb it.
#pragma once

#include "tests/support/child_process.h"
#include "tests/support/patience.h"

namespace memshare::test {

class Bystander {
  public:
    // From here on it makes a segment, describes it and lets it go, again and again.
    explicit Bystander(const std::string& socket_path, std::optional<User> user = {});

    struct Saw {
        std::size_t calls = 0;
        microseconds longest{}; // how long one call took at most
    };

    pid_t pid() const { return process_.pid(); }

    // Ends it, after one more round at least. Throws, if one of its calls failed.
    Saw leave();

  private:
    ChildProcess process_;
};

} // namespace memshare::test
