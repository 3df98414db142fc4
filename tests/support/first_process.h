// A process that is the first one of a PID namespace of its own; to itself it is number 1.
#pragma once

#include "tests/support/child_process.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace memshare::test {

class FirstProcess {
  public:
    // What its parent does before it has it: to leave more than the PID namespace behind, or as this user.
    using Departure = std::function<void()>;

    explicit FirstProcess(const ChildProcess::Work& work);
    FirstProcess(const ChildProcess::Work& work, const Departure& departure, std::optional<User> user);

    // As everybody outside sees it.
    pid_t pid() const { return pid_; }

    void say(std::string_view line) { outside_.say(line); }
    std::string hear() { return outside_.hear(); }

    // 0, or 1 after a failed expectation, in it or in its parent.
    int wait() { return outside_.wait(); }

    // SIGKILL, which takes all processes of its namespace with it, and waits until they are dead.
    void kill();

  private:
    ChildProcess outside_;
    pid_t pid_;
};

} // namespace memshare::test
