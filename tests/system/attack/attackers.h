// Processes of four users that attack a broker in all the ways there are, until they are killed.
#pragma once

#include "tests/support/child_process.h"
#include "tests/system/attack/attacks.h"

#include <memory>

namespace memshare::test {

class Attackers {
  public:
    // Begins, and returns when each process has carried out its first call. For root only.
    //
    // There are many of them and few processors. So they run at the lowest priority that the scheduler has:
    // then the time that others wait is the broker's doing, and not the scheduler's. What they make the
    // broker do costs the broker as much as ever.
    explicit Attackers(const std::string& socket_path);

    // How many rounds of each attack were begun, in words.
    std::string summary() const;

    // Expects that none of them has ended by itself.
    void end();

  private:
    struct Board;
    std::shared_ptr<Board> board_;
    std::vector<ChildProcess> all_;
};

} // namespace memshare::test
