// Entries of the log on their way out: a thread of their own writes them. Where the log goes can be full: a
// pipe that nobody reads, a terminal that is stopped, a journal that hangs. Nobody waits for that.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace memshare::daemon {

class LogQueue {
  public:
    // Writes an entry, however long that takes. Called by the thread only, one after the other.
    using Entry = std::move_only_function<void()>;

    // `tell_lost` writes that so many entries are missing at this place.
    explicit LogQueue(std::function<void(std::size_t)> tell_lost);
    LogQueue(const LogQueue&) = delete;
    LogQueue& operator=(const LogQueue&) = delete;
    ~LogQueue(); // waits for nothing

    // Never waits. An entry is dropped, and counted, if proto::limits::log_entries_waiting wait already.
    void write(Entry entry);

    // Waits until all is written, but not longer than this; false, if it is not.
    bool finish(std::chrono::milliseconds longest);

  private:
    struct Shared; // with the thread, which may live longer

    void start();

    std::shared_ptr<Shared> shared_;
};

} // namespace memshare::daemon
