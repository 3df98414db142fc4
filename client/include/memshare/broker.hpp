// A connection to a broker, and what can be asked of it.
#pragma once

#include <memshare/export.hpp>
#include <memshare/options.hpp>
#include <memshare/statistics.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace memshare {

namespace detail {
class Connection;
}

// Its calls block, and may be made from several threads. Each throws Error: no_broker, if none is there;
// broker_lost, if it went away and did not come back, or did not answer, within the timeout (the call may
// have been carried out); protocol_violation; invalid_argument, for text that is not UTF-8;
// resource_deadlock_would_occur, in a signal handler that interrupts a call; or as it says. A handle can be
// copied; copies are the same connection.
class MEMSHARE_EXPORT Broker {
  public:
    // This process's connection to the broker at $MEMSHARE_SOCKET, where a relative path begins in the folder
    // that is current at the first use; if that is not set, to the user's own; and if there is none, to the
    // system's. It is opened by the first call that needs it.
    static Broker& local();

    // A connection to the broker at this socket. It is opened by the first call.
    explicit Broker(std::string_view socket_path, const BrokerOptions& options = {});

    // The segments that this process may read, oldest first; of those with a name that matches a shell
    // pattern, if one is given.
    std::vector<SegmentInfo> list(std::string_view pattern = {});

    // All about one, by its name or id. Error: no_such_segment, access_denied.
    SegmentDescription describe(std::string_view name_or_id);

    // Ends one that this user owns, by its name or id. Error: no_such_segment, access_denied.
    void destroy(std::string_view name_or_id);

    // Changes one that this user owns, by its name or id. Who has it mapped keeps that. If it is to end with
    // its last process and none has it mapped, it ends now. Error: no_such_segment; access_denied;
    // invalid_argument, for a group that this user is not in, or Lifetime::creator when its creator has
    // ended.
    void change(std::string_view name_or_id, const Changed& to);

    // What is used, what may be, and what was done. Root sees each user.
    Statistics statistics();

    // Tells what happens from now on to the segments that this process may read (of those with a name that
    // matches a shell pattern, if one is given), until `each` returns false: the first is EventKind::ready.
    // It has a connection of its own, so `each` may call the broker. Waits as long as nothing happens.
    void watch(std::string_view pattern, const std::function<bool(const Event&)>& each) const;

    // The version of the broker.
    std::string version();

    // How long a call may take, as BrokerOptions says.
    std::chrono::milliseconds timeout() const noexcept;

    // Where it listens.
    const std::string& socket_path() const;

  private:
    friend class Segment;

    std::shared_ptr<detail::Connection> connection_;
};

// As long as it lives, no call of this thread to any broker takes longer than that: for who has to go on
// soon. One within another can only make it shorter.
class MEMSHARE_EXPORT CallLimit {
  public:
    explicit CallLimit(std::chrono::milliseconds longest) noexcept;
    CallLimit(const CallLimit&) = delete;
    CallLimit& operator=(const CallLimit&) = delete;
    ~CallLimit();

  private:
    std::chrono::milliseconds before_;
};

} // namespace memshare
