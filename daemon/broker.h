// The broker at work: its records and its service, with the clients whose coming and going change them.
#pragma once

#include "daemon/closer.h"
#include "daemon/lifeline.h"
#include "daemon/service.h"
#include "daemon/slow_closer.h"
#include "daemon/turns.h"
#include "daemon/worker.h"

#include <asio/steady_timer.hpp>

#include <chrono>
#include <optional>
#include <unordered_map>

namespace memshare::daemon {

// What the broker asks of a conversation.
class Line {
  public:
    virtual ~Line() = default;
    virtual void hang_up() = 0;
};

class Broker {
  public:
    // The quota and the archive outlive the loop: what waits there holds charges and records to the end.
    Broker(asio::io_context& loop, Quota& quota, Archive& archive, const StepClock& clock);
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;
    ~Broker();

    // Goes on from what is kept, before anything else. An error, if it cannot be taken up; it stays as it is.
    proto::Result<void> restore();

    // When the loop has ended: waits until no work on clients' memory is left. False, if that takes longer:
    // then this object cannot be destroyed soon, and is left to the end of the process. The next process does
    // the rest.
    bool finish(std::chrono::steady_clock::time_point until);

    asio::io_context& loop() { return loop_; }

    // Whose turn it is: all that a peer's coming or calling makes to do is done in its user's.
    Turns& turns() { return turns_; }

    // Closes the connections in which a peer has left what may take long to close.
    const std::shared_ptr<SlowCloser>& slow_closer() const { return slow_closer_; }

    // Somebody of this user's has connected: what his session will take, if he may have one more, or has one
    // that nobody talks to, and to which this may be the way.
    proto::Answer<Admission> admit(std::uint32_t uid);

    // Opens a session that lives as long as the peer's process.
    proto::Answer<HolderId> welcome(Peer peer, Admission admission);

    // From here on this is the session's only line: another that it had is hung up, and so is this one when
    // the session ends. The line stays until it says that it is over.
    void connect(HolderId session, Line& line);

    // Carries out one call that came over a session's line.
    void answer(HolderId session, Line& line, const proto::Call& call, Outgoing& out);

    // A reply of so many bytes waits until its peer reads: what to hold until then; or the limit that forbids
    // it.
    proto::Answer<Charge> wait_for_reader(HolderId session, std::uint64_t bytes);

    // The same for anything else that a connection of this user's makes the daemon hold.
    proto::Answer<Charge> charge(std::uint32_t uid, Resource resource, std::uint64_t amount) {
        return quota_.charge(uid, resource, amount);
    }

    // Lets go of memory that was lent to a reply, and that its segment may have left behind.
    void let_go(std::shared_ptr<Memory> memory);

    // Tells the log what was wrong with a session's conversation.
    void complain(HolderId session, std::string_view what);

    // A line of the session's is over, and with its last one the session, if it holds nothing.
    void over(HolderId session, Line& line);

  private:
    // A session's line, and whose session it is.
    struct Connected {
        Line* line = nullptr;
        std::uint32_t uid = 0;
    };
    Line* disconnect(HolderId session);
    std::size_t sessions_without_a_line(std::uint32_t uid) const;

    void end(HolderId session);
    void end_in_turn(const Session& session);
    void take_in_steps(HolderId session, std::uint32_t uid, std::function<bool()> step);
    void end_the_idle();
    void settle(HolderId session);
    void after_change();
    void commit();
    void tidy_later();
    void tidy();

    asio::io_context& loop_;
    Quota& quota_;
    Archive& archive_;
    Registry registry_;
    Service service_;
    Closer closer_;
    std::shared_ptr<SlowCloser> slow_closer_; // with each connection, which may live longer
    Worker worker_;                           // after what it works on
    Lifelines lifelines_;
    std::unordered_map<HolderId, Connected> lines_;
    std::unordered_map<std::uint32_t, std::size_t> lines_by_user_; // how many
    std::unordered_map<std::uint32_t, std::shared_ptr<const void>>
        guests_; // whose owners are those of a user
    asio::steady_timer tidying_, idling_;
    std::optional<std::chrono::steady_clock::time_point> next_tidying_;
    Turns turns_; // what still waits in it may hold any of the others
};

} // namespace memshare::daemon
