// Slow work with the kernel, done by a thread of its own, so that it does not hold up the loop that serves
// clients.
//
// What a hostile peer does with its own memory can make the kernel wait: a page that is mapped while a hole
// is punched there, a seal while pages of it are on their way elsewhere.
#pragma once

#include <asio/io_context.hpp>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace memshare::daemon {

class Errands {
  public:
    using Outcome = std::function<void()>;   // is called on the loop
    using Errand = std::function<Outcome()>; // is called by the thread; may return nothing

    explicit Errands(asio::io_context& loop) : loop_(loop), worker_([this] { work(); }) {}
    Errands(const Errands&) = delete;
    Errands& operator=(const Errands&) = delete;
    ~Errands(); // does what is left first

    // They are done one after the other, those first that somebody waits for.
    void run_first(Errand errand) { leave(first_, std::move(errand)); }
    void run(Errand errand) { leave(others_, std::move(errand)); }

  private:
    using Queue = std::deque<Errand>;
    void leave(Queue& queue, Errand errand);
    void work();

    asio::io_context& loop_;
    std::mutex mutex_;
    std::condition_variable changed_;
    Queue first_, others_;
    bool ending_ = false;
    std::thread worker_;
};

} // namespace memshare::daemon
