// A process of ours that ends when this program does, however that ends.
#pragma once

#include <sys/types.h>

#include <functional>
#include <utility>

namespace memshare::bench {

class ChildProcess {
  public:
    // Runs body() in a new process, which ends when body returns.
    explicit ChildProcess(const std::function<void()>& body);
    ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess();

    pid_t pid() const { return pid_; }

  private:
    pid_t pid_;
};

} // namespace memshare::bench
