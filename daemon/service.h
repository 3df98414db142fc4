// The methods of the interface: a call in, a reply out. It knows no socket and never waits.
#pragma once

#include "daemon/archive.h"
#include "daemon/report.h"
#include "daemon/step_clock.h"
#include "daemon/watchers.h"
#include "daemon/work.h"
#include "proto/varlink.h"

#include <functional>

namespace memshare::daemon {

// What a conversation does after a call.
struct Outgoing {
    std::string text;               // one message; empty, if there is nothing to send
    int fd = -1;                    // a descriptor to send with it, which is borrowed...
    std::shared_ptr<Memory> memory; // ...from this
    HolderId session = 0;           // whose the conversation is from now on
    bool made_later = false;        // the reply takes several steps: next makes it
    bool hang_up = false;           // after sending
    // Makes the next message of a stream, if there is one for now.
    enum class Stream { goes_on, ends, waits };
    std::function<Stream(Outgoing&)> next;
    std::shared_ptr<Watcher> watcher; // what a stream waits for
    Charge stream;                    // what it takes

    // What has to be done before this is sent, and what is said instead, if it could not be.
    struct Condition {
        bool met = false;
        std::optional<proto::Refusal> refusal;
        std::function<void()> wake; // to be called when it is met
    };
    std::shared_ptr<Condition> condition;

    // A descriptor of this memory's goes with the message.
    void lend(std::shared_ptr<Memory> lent, int descriptor) {
        memory = std::move(lent);
        fd = descriptor;
    }
};

// Long work on the loop, cut into steps; see Turns, which this does not know.
struct InSteps {
    // Has the step of a session's user taken in that user's turns, again and again until it returns true.
    std::function<void(HolderId session, std::uint32_t uid, std::function<bool()> step)> take;
    // Whether the step that is being taken has been long enough.
    std::function<bool()> is_long_enough;
};

// Why a session may not do this with a segment that is not its user's: it hears of no segment that it may not
// read.
proto::Refusal denied(const Session& session, Segment& segment, const proto::SegmentReference& reference);

class Service final : private Observer {
  public:
    // Tells of what happens that nobody asked for.
    Service(Registry& registry, Quota& quota, Archive& archive, const StepClock& clock, Executor executor,
            InSteps in_steps, Tell tell);
    Service(const Service&) = delete; // the registry knows it
    Service& operator=(const Service&) = delete;
    ~Service() override = default;

    // What a session of this user takes, if there may be one more.
    proto::Answer<Charge> admit(std::uint32_t uid);

    // What a session takes besides: the daemon's descriptors, if it is counted as another one's guest; and
    // the list of its groups.
    proto::Answer<Charge> admit_guest(std::uint32_t uid);
    proto::Answer<Charge> admit_groups(const Caller& caller);

    // Opens a session for a peer that has connected and was admitted. An error, if it cannot be kept.
    proto::Result<HolderId> welcome(Peer peer, Admission admission);

    // Takes up what another process has left, and makes good what had not been yet.
    proto::Result<void> restore();

    // Counts a reply of so many bytes, which waits until its peer reads, as its session's user's.
    proto::Answer<Charge> wait_for_reader(HolderId holder, std::uint64_t bytes);

    // Ends a session, and makes good what it leaves: its process is dead, or will not touch the memory again.
    // From here on nobody finds or resumes it; what it has may take further steps, after which when_done is
    // called.
    void end_session(Session& session, std::function<void()> when_done = {});

    // Carries out one call of a session's and says what to send.
    void answer(HolderId holder, const proto::Call& call, Outgoing& out);

  private:
    struct Turn {
        Session& session;
        Outgoing& out;
        bool more;
    };

    proto::Answer<proto::Create::Reply> handle(Turn& turn, const proto::Create& call);
    proto::Answer<proto::Attach::Reply> handle(Turn& turn, const proto::Attach& call);
    proto::Answer<proto::Nothing> handle(Turn& turn, const proto::Detach& call);
    proto::Answer<proto::Nothing> handle(Turn& turn, const proto::Publish& call);
    proto::Answer<proto::Nothing> handle(Turn& turn, const proto::Destroy& call);
    proto::Answer<proto::Nothing> handle(Turn& turn, const proto::Change& call);
    proto::Answer<proto::Nothing> handle(Turn& turn, const proto::Freeze& call);
    proto::Answer<proto::Describe::Reply> handle(Turn& turn, const proto::Describe& call);
    proto::Answer<proto::List::Reply> handle(Turn& turn, const proto::List& call);
    proto::Answer<proto::Watch::Reply> handle(Turn& turn, const proto::Watch& call);
    proto::Answer<proto::Statistics::Reply> handle(Turn& turn, const proto::Statistics& call);
    proto::Answer<proto::Hello::Reply> handle(Turn& turn, const proto::Hello& call);
    proto::Answer<proto::Nothing> handle(Turn& turn, const proto::Goodbye& call);
    proto::Answer<proto::GetInfo::Reply> handle(Turn& turn, const proto::GetInfo& call);
    proto::Answer<proto::GetInterfaceDescription::Reply> handle(Turn& turn,
                                                                const proto::GetInterfaceDescription& call);

    template <typename... Method>
    bool dispatch(proto::MethodList<Method...> methods, Turn& turn, const proto::Call& call);
    template <typename Method> void run(Turn& turn, const proto::Call& call);
    void refuse(Turn& turn, const proto::Refusal& why);
    bool may_stay(Session& session, Outgoing& out);

    void happened(proto::EventKind kind, const Segment& segment, const Session* by) override;
    void tell_watchers(proto::EventKind kind, const Segment& segment, std::optional<proto::Process> process);

    using KeepAlive = std::shared_ptr<const void>; // of records, until all is mended
    static bool can_pass_on(const Segment& segment, HolderId dead);
    void mend(Segment& segment, HolderId dead, const proto::Process& process, Priority priority,
              KeepAlive keep_alive);
    void note_recovery(Segment& segment, const proto::Process& dead);
    void withdraw_recovery(const proto::SegmentId& id, const std::optional<proto::DeadHolder>& before);
    void tell_recovery(const proto::SegmentId& id, const proto::Process& dead);
    void tell_loss(const proto::Error& error);
    class EndingSession;
    void recover_one(Held held);
    void update_watchers(const Segment& segment);
    void update_watchers_before_sending(Turn& turn, const Segment& segment, proto::Access access);
    std::optional<Registry::Left> take_back(Session& session, Segment& segment,
                                            std::optional<proto::Access> access);
    proto::Lock described_lock(const Segment& segment);

    proto::Answer<Segment*> find(const proto::SegmentReference& reference);
    proto::Answer<Segment*> find_attached(const Session& session, const proto::SegmentReference& reference);
    proto::Answer<Segment*> find_to_attach(const Session& session, const proto::Attach& call);
    proto::Answer<Segment*> find_to_repeat(const Session& session);
    proto::Answer<void> check_attach(const Session& session, const proto::Attach& call, Segment& segment);
    proto::Answer<proto::Create::Reply> repeat(Turn& turn, const proto::Create& call, const Segment& made);
    proto::Answer<int> descriptor_for(proto::Access access, Segment& segment, std::uint32_t asking);
    proto::Answer<Segment*> find_for(const Session& session, const proto::SegmentReference& reference);

    struct Listing;
    void look_on(Listing& listing);
    struct Describing;
    bool describe_on(Describing& describing);
    struct Counting;
    bool count_on(Counting& counting) const;
    proto::Statistics::Reply statistics_for(std::uint32_t uid, const Counting& counting) const;
    void refuse_later(Outgoing& out, const proto::Refusal& why);

    Registry& registry_;
    Quota& quota_;
    Archive& archive_;
    const StepClock& clock_;
    Executor executor_;
    InSteps in_steps_;
    Tell tell_;
    Watchers watchers_;
    proto::Counters counters_;
    std::uint64_t started_usec_;
};

} // namespace memshare::daemon
