// A socket of ours that the program may have closed: one that becomes a daemon closes whatever is open, and
// then has something of its own under our number, which is not to be written to, waited for or closed.
#pragma once

#include "proto/fd.h"

#include <sys/types.h>

namespace memshare::client {

class OwnSocket {
  public:
    OwnSocket() = default;
    OwnSocket(const OwnSocket&) = delete;
    OwnSocket& operator=(const OwnSocket&) = delete;
    ~OwnSocket() { close(); }

    // Closes what it had before.
    void adopt(proto::Fd socket);

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
