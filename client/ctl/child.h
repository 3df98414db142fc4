// A program that memsharectl starts, and the signals that it passes on.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace memshare::ctl {

// Keeps SIGHUP, SIGINT, SIGQUIT and SIGTERM from ending this process, so that it can clean up first; they are
// read from a descriptor instead. Those that are ignored stay ignored. Throws std::system_error.
class HeldSignals {
  public:
    HeldSignals();
    HeldSignals(const HeldSignals&) = delete;
    HeldSignals& operator=(const HeldSignals&) = delete;
    ~HeldSignals(); // drops what has come

    int fd() const { return fd_; } // readable when a signal has come

    // The next signal that has come.
    std::optional<int> next() const;

    // The same without Ctrl-C and Ctrl-\ of a terminal, which sends them to every process in the foreground.
    std::optional<int> next_to_pass_on() const;

    // In a forked child: delivers signals as they were delivered before. Safe between fork and exec.
    void restore() const;

  private:
    std::optional<int> next_of(bool with_terminal) const;

    sigset_t before_{};
    int fd_ = -1;
};

// A child process, which is waited for through a pidfd.
class Child {
  public:
    // Forks, calls prepare() in the child, and executes the command there, by the PATH. A command that is not
    // there ends with 127, one that cannot be executed with 126. Throws std::system_error if there can be no
    // more processes or descriptors.
    Child(const std::vector<std::string>& command, const std::function<void()>& prepare);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child(); // SIGKILL if it still runs

    int fd() const { return pidfd_; } // readable when it has ended
    void signal(int number) const;

    // Waits for its end: the exit code, or 128 and the number of the signal that ended it.
    int wait();

    // The same within a time; nothing if it still runs.
    std::optional<int> wait_for(std::chrono::milliseconds time);

  private:
    Child(const std::vector<std::string>& command, const std::vector<char*>& arguments,
          const std::function<void()>& prepare);

    pid_t pid_ = -1;
    int pidfd_ = -1;
    std::optional<int> ended_;
};

// Waits until one of the descriptors is readable, and returns which: the first of those that are. A time that
// is over returns their count.
std::size_t wait_for_first(std::initializer_list<int> fds,
                           std::optional<std::chrono::milliseconds> time = {});

} // namespace memshare::ctl
