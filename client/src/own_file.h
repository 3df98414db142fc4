// An open file of ours that the program may have closed: a program that becomes a daemon closes all that is
// open, and then has a file of its own under our number, which must not be written to, waited for or closed.
#pragma once

#include "proto/fd.h"

#include <sys/types.h>

namespace memshare::client {

// For files that have an inode of their own: sockets, pipes and named files, but not an eventfd.
class OwnFile {
  public:
    OwnFile() = default;
    explicit OwnFile(proto::Fd file) { adopt(std::move(file)); }
    OwnFile(OwnFile&& other) noexcept;
    OwnFile& operator=(OwnFile&& other) noexcept;
    OwnFile(const OwnFile&) = delete;
    OwnFile& operator=(const OwnFile&) = delete;
    ~OwnFile() { close(); }

    // Closes the file that it had before.
    void adopt(proto::Fd file);

    int number() const { return fd_.number(); }

    // Whether it still is what is open under its number.
    bool is_there() const;

    // Closes it, if it still is there.
    void close();

  private:
    proto::Fd fd_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

} // namespace memshare::client
