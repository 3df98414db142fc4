// Closes descriptors that may take as long to close as a peer likes, on a thread that nobody waits for.
#pragma once

#include "daemon/quota.h"
#include "proto/fd.h"

#include <asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <unordered_map>

namespace memshare::daemon {

// There is one such thread, and none before the first descriptor comes. Each descriptor counts as its user's
// until it is closed: a user whose descriptors are never closed has less left for others.
class SlowCloser : public std::enable_shared_from_this<SlowCloser> {
  public:
    // The quota outlives it.
    SlowCloser(asio::io_context& loop, Quota& quota);
    SlowCloser(const SlowCloser&) = delete;
    SlowCloser& operator=(const SlowCloser&) = delete;
    ~SlowCloser(); // waits for nothing: the kernel closes what is left at the end of the process

    // On the loop.
    void close(std::uint32_t uid, proto::Fd fd);

    // From here on the loop, which may be gone, is told nothing. What is closed counts until the end.
    void leave_the_loop();

    // How many have not been closed yet, as far as the loop was told.
    std::size_t waiting() const { return charges_.size(); }

  private:
    struct Work; // shared with the thread, which may live longer

    void start();

    asio::io_context& loop_;
    Quota& quota_;
    std::shared_ptr<Work> work_;
    std::unordered_map<std::uint64_t, Charge> charges_; // of each descriptor that is not closed yet
    std::uint64_t last_number_ = 0;
};

} // namespace memshare::daemon
