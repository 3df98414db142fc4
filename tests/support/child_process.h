// Another process of the test's: real, with its own descriptors, and killed for real.
#pragma once

#include "tests/support/lines.h"

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace memshare::test {

struct User {
    uid_t uid = 0;
    gid_t gid = 0;
};
inline constexpr User nobody{65534, 65534};
inline constexpr User stranger{65533, 65533};
inline constexpr User colleague{65532, 65534}; // of nobody's group

class ChildProcess {
  public:
    // What the child does; `parent` is its line to the test. It ends with 0, or with 1 after a failed
    // expectation or an exception, which it has printed.
    using Work = std::function<void(Lines& parent)>;

    explicit ChildProcess(const Work& work, std::optional<User> user = {});
    static ChildProcess as_user(User user, const Work& work) { return ChildProcess(work, user); }

    // Another program: what it prints is heard, what is said it reads.
    static ChildProcess program(const std::vector<std::string>& arguments,
                                const std::vector<std::pair<std::string, std::string>>& environment);

    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&&) = delete;
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess(); // SIGKILL, if it still runs

    pid_t pid() const { return pid_; }

    void say(std::string_view line) { line_.say(line); }
    std::string hear() { return line_.hear(); }

    // Sends SIGKILL without waiting for what comes of it.
    void strike();

    // SIGKILL, and waits until it is dead.
    void kill();

    // Waits for its end: its exit code, or the signal that it died of, negative.
    int wait();

  private:
    Lines line_;
    pid_t pid_ = 0;
};

// In a child: forks a process that holds all of the child's descriptors, for as long as the test holds the
// child's line, whatever happens to the child.
void fork_a_keeper(Lines& parent);

// Whether the tests may become other users.
bool can_change_user();

} // namespace memshare::test

// For tests that take two users.
#define NEEDS_ROOT()                                                   \
    if (!::memshare::test::can_change_user()) {                        \
        GTEST_SKIP() << "not root: this takes processes of two users"; \
    }                                                                  \
    static_assert(true)
