// Who this process is to a broker, as the kernel tells it of a connection: the effective user and the groups.
#pragma once

#include <sys/types.h>

#include <vector>

namespace memshare::client {

class Credentials {
  public:
    // Those of this moment.
    static Credentials now();

    // Whether the process has them still. It costs some 0.2 us, and no memory.
    bool are_current() const;

  private:
    uid_t user_ = 0;
    gid_t group_ = 0;
    std::vector<gid_t> others_;
};

} // namespace memshare::client
