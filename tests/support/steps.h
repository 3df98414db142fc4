// A child that goes on by one instruction at a time, so that it can be stopped or killed at every one of
// them. (ptrace(2))
#pragma once

#include <sys/types.h>

namespace memshare::test {

class Steps {
  public:
    // In the child: where its steps begin, and each place that it is to be seen to come to.
    static void begin();
    static void mark();

    // Waits until a child has come to where its steps begin.
    explicit Steps(pid_t child);

    // So many of them; false, if it has come to a mark by then, and there it stays.
    bool take(int steps);

  private:
    int wait() const;

    pid_t child_;
};

} // namespace memshare::test
