// Of two brokers that start at one path at once, one waits until the other listens there or has ended.
#pragma once

#include "proto/fd.h"

#include <string>

namespace memshare::daemon {

// A lock on a file that lies beside the socket for as long as the lock is held. The folder itself would not
// do: anybody who can open a file can lock it, and the system's folder is open to all. This file only its
// owner and root can open.
class StartLock {
  public:
    // Waits for another broker, but not for ever. An error, if it still holds the lock then, or if the file
    // is another user's.
    static proto::Result<StartLock> take(const std::string& socket_path);

    StartLock(StartLock&& other) noexcept;
    StartLock& operator=(StartLock&&) = delete;
    StartLock(const StartLock&) = delete;
    StartLock& operator=(const StartLock&) = delete;
    ~StartLock(); // removes the file

  private:
    StartLock(std::string path, proto::Fd file) : path_(std::move(path)), file_(std::move(file)) {}

    std::string path_;
    proto::Fd file_;
};

} // namespace memshare::daemon
