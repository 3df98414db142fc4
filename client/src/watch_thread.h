// The thread that sleeps for watches: it wakes with any of their segments and writes to their pipes.
#pragma once

#include "client/src/attachment.h"
#include "client/src/fork_safe_mutex.h"
#include "client/src/own_file.h"
#include "proto/fd.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace memshare::client {

// What futex_waitv(2) takes; younger than our C library's headers.
struct WaitedFor {
    std::uint64_t value = 0;
    std::uint64_t address = 0;
    std::uint32_t flags = 0;
    std::uint32_t reserved = 0;
};

// One watch of a segment. Its pipe's writing end is the thread's.
struct Watched {
    std::shared_ptr<detail::Attachment> attachment;
    OwnFile reading;
    Version state;            // the last one that was told
    std::uint64_t number = 0; // among all of its thread
};

// So writers need to know nothing of watches, and the broker has no part in it. The kernel lets a thread
// sleep on 128 words at once (futex_waitv(2), Linux 5.16), one of which wakes it when its list changes. The
// writing ends of the pipes are in the thread's own table of descriptors, where the program cannot close
// them.
class WatchThread {
  public:
    static constexpr std::size_t most = 127;

    // One with room for another, which this process starts if it has none. Throws Error.
    static std::shared_ptr<WatchThread> with_room();

    WatchThread();
    WatchThread(const WatchThread&) = delete;
    WatchThread& operator=(const WatchThread&) = delete;
    ~WatchThread(); // ends the thread; in a forked child there is none

    // Borrowed until it is taken out again; of the pipe's writing end it takes a duplicate. False, if there
    // is no room any more, or the program has closed the way to the thread. Throws Error, if the system
    // cannot send it.
    bool add(Watched& watched, int writing);
    void remove(Watched& watched);

  private:
    class Pipes;

    bool has_room();
    void work(int receiving);
    void look_at_all(Pipes& pipes);
    void look_again();

    ForkSafeMutex mutex_;
    std::vector<Watched*> all_;
    std::uint64_t last_number_ = 0;
    bool ending_ = false;
    OwnFile sending_; // to the thread
    enum class Table { unknown, shared, own };
    std::atomic<Table> table_ = Table::unknown; // of descriptors, that the thread has
    std::atomic<std::uint32_t> changes_ = 0;    // of the list
    pid_t process_;
    std::unique_ptr<std::thread> thread_;
    std::vector<WaitedFor> words_;
};

} // namespace memshare::client
