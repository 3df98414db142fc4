// A broker for one command: no other process knows its socket, and nothing of it is left afterwards.
#pragma once

#include "client/ctl/child.h"

#include <optional>
#include <string>

namespace memshare::ctl {

// A folder for one socket, with a name that nobody can guess. The broker makes it, and this removes it, even
// if the broker was killed.
class PrivateFolder {
  public:
    PrivateFolder(); // throws std::system_error
    PrivateFolder(const PrivateFolder&) = delete;
    PrivateFolder& operator=(const PrivateFolder&) = delete;
    ~PrivateFolder();

    const std::string& socket_path() const { return socket_path_; }

  private:
    std::string socket_path_;
};

class PrivateBroker {
  public:
    // Starts `daemon` (empty: memshared from beside this program, else from the PATH) and waits until it is
    // ready, or a signal comes: then is_ready() is false. Throws std::system_error or std::runtime_error if
    // it ends instead, or is not ready within a minute.
    PrivateBroker(const std::string& daemon, const HeldSignals& signals);
    PrivateBroker(const PrivateBroker&) = delete;
    PrivateBroker& operator=(const PrivateBroker&) = delete;
    ~PrivateBroker(); // ends it: by SIGTERM, or if that takes too long, as of one that hangs, by SIGKILL

    bool is_ready() const { return is_ready_; }
    const std::string& socket_path() const { return folder_.socket_path(); }

  private:
    PrivateFolder folder_;
    std::optional<Child> child_;
    bool is_ready_ = false;
};

} // namespace memshare::ctl
