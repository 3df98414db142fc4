// A user who takes of a broker what he can get, in all ways at once.
#pragma once

#include "tests/bench/child_process.h"

#include <sys/types.h>

#include <string>
#include <vector>

namespace memshare::bench {

// Users that have nothing else on this machine.
inline constexpr uid_t hostile_user = 65534;
inline constexpr uid_t modest_user = 65533;

// In a child of root's: from here on it is this user's, in a session of its own, as if he had logged in.
void become(uid_t user);

// Whether this program may do that.
bool can_become_others();

// As long as it lives, four processes of that user each do one of these without a pause: make segments until
// no more are granted, connect, call without waiting for answers, and ask for long answers that they do not
// read.
class Flood {
  public:
    // Returns when all of them are at it.
    explicit Flood(const std::string& broker_path);

  private:
    std::vector<ChildProcess> processes_;
};

} // namespace memshare::bench
