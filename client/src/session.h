// This process's session with a broker: the holder id that its locks are taken under.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace memshare::client {

// The id lies on a page that the kernel wipes in a forked child (MADV_WIPEONFORK), however it was forked: so
// the child finds 0 there, and takes nothing for its own that is its parent's.
class Session {
  public:
    // As the broker has answered to Hello. What was before stays, as others may still look at its word.
    // Throws Error, if the page cannot be had.
    Session(std::uint32_t holder, std::string token, std::shared_ptr<Session> before);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    // 0 in a child of the process that it was opened in.
    std::uint32_t holder() const { return word_->load(std::memory_order_relaxed); }
    const std::atomic<std::uint32_t>& word() const { return *word_; }

    // Resumes it on another connection of the same process.
    const std::string& token() const { return token_; }

  private:
    std::atomic<std::uint32_t>* word_;
    std::string token_;
    std::shared_ptr<Session> before_;
};

} // namespace memshare::client
