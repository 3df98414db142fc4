// Threads that work on clients' memory, so that neither the loop nor another user waits for it.
#pragma once

#include "daemon/work_queue.h"

#include <asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace memshare::daemon {

// As long as fewer than limits::worker_threads are busy, one more is ready: work that the kernel makes wait
// keeps its own thread, and the next work finds another.
class Worker {
  public:
    // Calls `settled` on the loop after each group of completions.
    Worker(asio::io_context& loop, std::function<void()> settled);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker(); // does what is left first

    void run(Work work);

    // Waits until nothing is left to do. False, if that takes longer: then only the end of the process ends
    // it.
    bool finish(std::chrono::steady_clock::time_point until);

  private:
    struct Shared;
    static void start_thread(const std::shared_ptr<Shared>& shared);
    static void work(const std::shared_ptr<Shared>& shared);
    static void complete(const std::shared_ptr<Shared>& shared);

    std::shared_ptr<Shared> shared_; // with the threads
};

} // namespace memshare::daemon
