// A real memshared of our own, with what talks to it.
#pragma once

#include "proto/fd.h"
#include "tests/bench/child_process.h"
#include "tests/bench/machine.h"
#include <memshare/memshare.hpp>

namespace memshare::bench {

// The kernel gives each session its share of the processors; a service has its own.
enum class Session { of_this_program, of_its_own };

class BrokerProcess {
  public:
    using Arguments = std::vector<std::string>;

    // Starts the memshared beside this program. Once all are connected its socket has no name any more, so
    // that whatever ends this program leaves no file behind.
    explicit BrokerProcess(Setting setting, const Arguments& arguments = {},
                           Session session = Session::of_this_program);

    Setting setting() const { return setting_; }
    pid_t pid() const { return started_.process.pid(); }

    // Two clients: one that is measured, and one that keeps what the other attaches.
    Broker& client() { return client_; }
    Broker& keeper() { return keeper_; }

    // Where another process connects to it: a name that only this process and its children have for it, of
    // whatever user.
    std::string path() const { return "/proc/self/fd/" + std::to_string(place_.number()); }

    // A connection that nobody has talked on.
    int raw_socket() const { return raw_socket_.number(); }

  private:
    struct Started {
        std::string path;
        ChildProcess process;
    };
    static Started start(Setting setting, const Arguments& arguments, Session session);

    Setting setting_;
    Started started_;
    proto::Fd place_;
    Broker client_, keeper_;
    proto::Fd raw_socket_;
};

// For a segment, a new one each time: what several processes detach does not end in any order with what one
// of them creates next.
std::string new_name();

} // namespace memshare::bench
