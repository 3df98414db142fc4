// Closes the memory of segments that are gone, without holding up the loop that serves clients.
#pragma once

#include "daemon/memory.h"
#include "daemon/wake_up.h"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace memshare::daemon {

// The last close of a memfd frees its pages, which takes hundreds of milliseconds for gigabytes. Little is
// closed at once, as waking a thread costs more than that; the rest goes to a thread of its own.
class Closer {
  public:
    Closer();
    Closer(const Closer&) = delete;
    Closer& operator=(const Closer&) = delete;
    ~Closer(); // waits until all is closed

    void close(std::vector<std::shared_ptr<Memory>> memories);

    // Waits until all is closed. False, if that takes longer.
    bool finish(std::chrono::steady_clock::time_point until);

    // To the thread with these, however little they are.
    using Kept = std::shared_ptr<const void>; // by whom it is closed with the last one who keeps it
    void leave(std::vector<Kept> owners);

  private:
    void work();

    std::mutex mutex_;
    WakeUp changed_;
    std::condition_variable idle_;
    std::vector<Kept> waiting_;
    bool ending_ = false;
    bool is_closing_ = false;
    std::thread worker_;
};

} // namespace memshare::daemon
