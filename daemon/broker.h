// The broker at work: its records and its service, with the clients whose coming and going change them.
#pragma once

#include "daemon/closer.h"
#include "daemon/errands.h"
#include "daemon/lifeline.h"
#include "daemon/service.h"
#include "daemon/turns.h"

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
    Broker(asio::io_context& loop, Quota& quota, Archive& archive, const StepClock& steps);

    // Goes on from what is kept, before anything else. An error, if it cannot be taken up; it stays as it is.
    proto::Result<void> restore();

    asio::io_context& loop() { return loop_; }

    // Whose turn it is: all that a peer's coming or calling makes to do is done in its user's.
    Turns& turns() { return turns_; }

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

    // Lets go of memory that was lent to a reply, and that its segment may have left behind.
    void let_go(std::shared_ptr<Memory> memory);

    // Tells the log what was wrong with a session's conversation.
    void complain(HolderId session, std::string_view what);

    // A line of the session's is over, and with its last one the session, if it holds nothing.
    void over(HolderId session, Line& line);

  private:
    void run(Errands::Errand errand, Haste haste);
    void end(HolderId session);
    void end_in_turn(const Session& session);
    void take_in_steps(HolderId session, std::uint32_t uid, std::function<bool()> step);
    void end_the_idle();
    void settle(HolderId session);
    void commit();
    void tidy_later();
    void tidy();

    asio::io_context& loop_;
    Archive& archive_;
    Registry registry_;
    Service service_;
    Closer closer_;
    Errands errands_; // after what they work on
    Lifelines lifelines_;
    std::unordered_map<HolderId, Line*> lines_;
    std::unordered_map<std::uint32_t, std::shared_ptr<const void>>
        guests_; // whose owners are those of a user
    asio::steady_timer tidying_, idling_;
    std::optional<std::chrono::steady_clock::time_point> next_tidying_;
    Turns turns_; // what still waits in it may hold any of the others
};

} // namespace memshare::daemon
