// The thread that sleeps for those who watch: it wakes with any of their segments and writes their eventfds.
#pragma once

#include "client/src/attachment.h"
#include "client/src/fork_safe_mutex.h"
#include "proto/fd.h"

#include <memory>
#include <thread>
#include <vector>

namespace memshare::client {

// One who watches a segment.
struct Watched {
    std::shared_ptr<detail::Attachment> attachment;
    proto::Fd event;
    Version state; // the last one that was told
};

// So writers need to know nothing of who watches, and the broker has no part in it. The kernel lets a thread
// sleep on 128 words at once (futex_waitv(2), Linux 5.16), one of which wakes it when its list changes.
class WatchThread {
  public:
    static constexpr std::size_t most = 127;

    // One with room for another, which this process starts if it has none. Throws Error.
    static std::shared_ptr<WatchThread> with_room();

    WatchThread();
    WatchThread(const WatchThread&) = delete;
    WatchThread& operator=(const WatchThread&) = delete;
    ~WatchThread(); // ends the thread; in a forked child there is none

    // Borrowed until it is taken out again. False, if there is no room any more.
    bool add(Watched& watched);
    void remove(Watched& watched);

  private:
    bool has_room();
    void work();
    void look_again();

    ForkSafeMutex mutex_;
    std::vector<Watched*> all_;
    bool ending_ = false;
    std::atomic<std::uint32_t> changes_ = 0; // of the list
    pid_t process_;
    std::unique_ptr<std::thread> thread_;
};

} // namespace memshare::client
