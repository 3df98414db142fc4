// Where a broker listens, and a way there that stays open when this process gives up privileges.
#pragma once

#include "client/src/own_file.h"

#include <string>

namespace memshare::client {

// A privileged process that has connected keeps the socket's file (O_PATH): without its privileges it may not
// search the folder any more that the socket lies in, but may still use what it holds. A forked child has the
// file as well; an executed program has not, as it is close-on-exec.
class BrokerAddress {
  public:
    explicit BrokerAddress(std::string path) : path_(std::move(path)) {}

    const std::string& path() const { return path_; }

    // Connects a socket, as connect(2) does: 0, or the errno that the path gave. Throws Error, if the path is
    // too long.
    int connect(int socket);

  private:
    void keep_the_file();

    std::string path_;
    OwnFile file_;
};

} // namespace memshare::client
