// Open files that a thread has for itself, which the program cannot close or replace by others.
#pragma once

#include "client/src/own_file.h"
#include "proto/error.h"

#include <cstdint>
#include <optional>
#include <utility>

namespace memshare::client {

// A program may close all descriptors that it finds and open files of its own under their numbers. So a
// thread that writes to descriptors later takes a table of descriptors of its own, in which it has nothing of
// the program's, and gets the files sent through a socket. Where the kernel gives it no table (before
// Linux 5.9, or under a filter of system calls), it looks at each file before it uses it, as OwnFile does.
class ThreadFiles {
  public:
    // For the calling thread, which has to call this before anything else. Takes the end of a pair that was
    // made by pair_of_sockets(), which the rest of the program has to close if has_own_table(), and else to
    // forget.
    explicit ThreadFiles(int receiving);

    bool has_own_table() const { return has_own_table_; }

    // The next file that was sent, with its number; nothing, if none waits.
    struct Sent {
        std::uint64_t number = 0;
        OwnFile file;
    };
    std::optional<Sent> next();

  private:
    bool has_own_table_;
    OwnFile receiving_;
};

// The two ends of a pair of sockets that carry files from the program to such a thread: where to send, where
// to receive.
proto::Result<std::pair<proto::Fd, proto::Fd>> pair_of_sockets();

// Sends a borrowed file under a number.
proto::Result<void> send_file(int socket, std::uint64_t number, int file);

} // namespace memshare::client
