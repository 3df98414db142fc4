// Ends a session when its process ends: by the process's pidfd, and by nothing less.
//
// The end of a connection does not tell it: a forked child may hold the socket open, and a program may close
// all its descriptors while it goes on using the memory.
#pragma once

#include "daemon/registry.h"

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>
#include <unordered_map>

namespace memshare::daemon {

class Lifelines {
  public:
    using Ended = std::function<void(HolderId)>;

    // `ended` is called, on the loop, once for each session whose process has ended.
    Lifelines(asio::io_context& loop, Ended ended) : loop_(loop), ended_(std::move(ended)) {}

    // Watches the process of a session.
    void tie(HolderId session, std::shared_ptr<const proto::Fd> process);

    // Stops to watch, as the session has ended in another way.
    void cut(HolderId session) { processes_.erase(session); }

  private:
    // The loop has it watched, but does not own it.
    struct Watched {
        std::shared_ptr<const proto::Fd> process;
        asio::posix::stream_descriptor descriptor;

        Watched(asio::io_context& loop, std::shared_ptr<const proto::Fd> shared)
            : process(std::move(shared)), descriptor(loop, process->number()) {}
        Watched(const Watched&) = delete;
        Watched& operator=(const Watched&) = delete;
        ~Watched() { descriptor.release(); }
    };
    void watch(HolderId session);
    void look_at(HolderId session);

    asio::io_context& loop_;
    Ended ended_;
    std::unordered_map<HolderId, Watched> processes_;
};

} // namespace memshare::daemon
