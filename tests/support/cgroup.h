// A control group of a test's own, for processes that are to have little.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace memshare::test {

class Cgroup {
  public:
    // One whose processes may take so much memory. Nothing, if this machine lets us make none.
    static std::optional<Cgroup> with_memory(std::uint64_t bytes);

    Cgroup(Cgroup&& other) noexcept;
    Cgroup& operator=(Cgroup&&) = delete;
    Cgroup(const Cgroup&) = delete;
    Cgroup& operator=(const Cgroup&) = delete;
    ~Cgroup(); // removes it, once it is empty

    // Puts the calling process into it.
    void enter() const;

    std::uint64_t memory_usage() const;

  private:
    Cgroup(std::string folder, std::string usage) : folder_(std::move(folder)), usage_(std::move(usage)) {}

    std::string folder_, usage_;
};

} // namespace memshare::test
