// The service of the daemon in this process, without sockets and threads: a call in, its answer out.
#pragma once

#include "daemon/service.h"
#include "tests/fuzz/calls.h"

#include <nlohmann/json.hpp>

#include <deque>

namespace memshare::fuzz {

using Json = nlohmann::json;
using daemon::HolderId;

// What an answer says: an error as the model names it, or parameters, perhaps with a descriptor.
struct Answer {
    std::string error;
    Json parameters;
    int fd = -1;                  // borrowed, until the next call
    HolderId session = 0;         // that the connection has from now on
    bool ends_connection = false; // and with it the session
};

class ServiceUnderTest {
  public:
    // Opens a session for a process, which is known by this number alone.
    HolderId open(int process, const User& user);

    // Carries out a call, with the work that its answer waits for.
    Answer answer(HolderId session, const Json& call);

    // The process of the session has ended.
    void end(HolderId session);

    // Carries out the work that was left to other threads.
    void work();
    bool has_work() const { return !waiting_.empty(); }

    std::uint64_t used(daemon::Resource resource) const {
        return quota_.total().at(static_cast<std::size_t>(resource));
    }
    std::size_t sessions() const { return registry_.sessions(); }

  private:
    void work_once();

    daemon::Quota quota_{daemon::Limits()};
    daemon::Archive archive_; // keeps nothing
    daemon::Registry registry_{archive_};
    std::deque<daemon::Work> waiting_;
    daemon::StepClock clock_;
    daemon::Service service_{registry_,
                             quota_,
                             archive_,
                             clock_,
                             [this](daemon::Work work) { waiting_.push_back(std::move(work)); },
                             {.take =
                                  [](HolderId, std::uint32_t, const std::function<bool()>& step) {
                                      while (!step()) {
                                      }
                                  },
                              .is_long_enough = [] { return false; }},
                             [](const daemon::Report&) {}};
    daemon::Outgoing last_; // lends the last descriptor
};

} // namespace memshare::fuzz
