// One line of text at a time between two processes, over a socket pair: how a test and its child keep step.
#pragma once

#include "proto/fd.h"

#include <string>
#include <string_view>
#include <utility>

namespace memshare::test {

class Lines {
  public:
    // Two ends that are connected.
    static std::pair<Lines, Lines> pair();

    void say(std::string_view line);

    // The next line. Throws if none comes, or if the other end is gone.
    std::string hear();

    int socket() const { return socket_.number(); }

  private:
    explicit Lines(proto::Fd socket) : socket_(std::move(socket)) {}

    proto::Fd socket_;
};

} // namespace memshare::test
