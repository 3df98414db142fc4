// The least that a server of shared memory can be: fixed structs in, a descriptor out, one client.
//
// It gives the same promises of the kernel as memshared (sealed, 0600, read-only where asked for) and keeps
// names and attachments, but has no rights, quotas, lifetimes, JSON or second client: what remains is the
// price of the road itself.
#pragma once

#include "proto/fd.h"
#include "proto/mapping.h"
#include "tests/bench/child_process.h"
#include "tests/bench/machine.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace memshare::bench {

// How both sides wait for a message.
enum class Waiting {
    blocking, // in recvmsg
    epoll,    // the server in epoll_wait, as one of many clients must
    spinning, // awake for 50 us, and then in recvmsg
};

enum class Wish : std::uint32_t { create, attach_to_write, attach_to_read, drop };

struct Request {
    Wish wish{};
    std::uint32_t unused = 0;
    std::uint64_t size = 0; // of what is created
    std::array<char, 48> name{};
};

// A descriptor lies beside it. There is none for drop.
struct Granted {
    std::uint64_t size = 0;
};

Request request_for(Wish wish, std::string_view name, std::uint64_t size = 0);

class MinimalServer {
  public:
    MinimalServer(Setting setting, Waiting waiting);

    Setting setting() const { return setting_; }
    int socket() const { return sockets_.ours.number(); }

    // Makes or attaches a segment, maps it, and drops it.
    proto::Mapping create(std::string_view name, std::uint64_t size);
    proto::Mapping attach(std::string_view name, Wish wish);
    void drop(std::string_view name) const;

    // The next descriptor that was asked for.
    proto::Fd receive(Granted& granted);

  private:
    struct Sockets {
        proto::Fd ours, servers;
    };
    static Sockets connect();

    proto::Mapping map_granted(proto::Mapping::Access access);

    Setting setting_;
    Waiting waiting_;
    Sockets sockets_;
    ChildProcess process_;
};

} // namespace memshare::bench
