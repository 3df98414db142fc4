// Where a service talks to who manages it. (sd_notify(3))
#pragma once

#include "proto/fd.h"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace memshare::test {

class NotifySocket {
  public:
    NotifySocket();

    // As $NOTIFY_SOCKET has it: a name that the kernel chose.
    const std::string& name() const { return name_; }

    struct Message {
        std::string text;
        std::vector<proto::Fd> fds;

        bool says(const std::string& line) const { return text.find(line) != std::string::npos; }
        std::string after(
            const std::string& key) const; // what follows in its line; empty, if that is nowhere
    };

    // The next message, if one is there; or as soon as one comes, as long as this process lives. Throws, if
    // neither happens in time.
    std::optional<Message> take();
    std::optional<Message> wait(pid_t process);

  private:
    proto::Fd socket_;
    std::string name_;
};

} // namespace memshare::test
