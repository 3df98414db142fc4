// What there is: sessions, segments and attachments, by id and by name. Pure: no socket, JSON, clock or log.
//
// It keeps the rules of lifetime: what ends what. It does not ask who may; that is the service's.
#pragma once

#include "daemon/access.h"
#include "daemon/ledger.h"
#include "daemon/memory.h"
#include "daemon/packed_fields.h"
#include "daemon/quota.h"
#include "daemon/recovery.h"
#include "daemon/vault.h"
#include "proto/calls.h"

#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>

namespace memshare::daemon {

struct Segment;

// What a session takes of its user's; or, if he may have no more, that it has come to go on with one that he
// has: as long as it is a guest it is counted as that.
struct Admission {
    using Guest = std::shared_ptr<const void>;
    Charge charge;
    Guest guest{};
    Charge groups{}; // what its list of groups takes
};

// What one session has mapped of one segment.
struct Attachment {
    std::uint32_t readers = 0, writers = 0; // how many of the session's handles
    bool waits = false;                     // for changes, without being able to write
    bool recovered = false;                 // its session ends, and the lock that it held is on its way
    std::uint64_t since_usec = 0;
    Charge charge;
    Record record;
};

// One connected client process.
struct Session {
    HolderId holder = 0;
    std::string token; // resumes it on another connection
    Caller caller;
    std::int64_t pid = 0;
    std::uint64_t process_inode = 0;
    std::shared_ptr<const proto::Fd> process_fd;
    std::string program;
    // Of its numbered calls the last one that was carried out, and the last Attach among them.
    std::uint64_t last_serial = 0;
    std::uint64_t last_digest = 0;
    std::uint64_t last_attach_serial = 0;
    proto::SegmentId last_attached;
    Charge charge, groups_charge;
    Admission::Guest guest; // as long as it may only go on with another
    Record record, progress;
    Deposit deposit;    // of the process
    bool ended = false; // nobody can find or resume it any more; what it has goes in steps
    // Trees, as the growth of a hash table of many thousands takes milliseconds at once.
    using Attachments = std::map<Segment*, Attachment>;
    Attachments attachments;
    std::set<Segment*> creations; // of lifetime `creator`, and not ended

    proto::Process process() const { return {.pid = pid, .uid = caller.uid, .program = program}; }
    bool holds_nothing() const { return attachments.empty() && creations.empty(); }
};

// What is to be made of a new segment.
struct Blueprint {
    proto::SegmentId id;
    std::optional<proto::SegmentName> name;
    proto::Type type;
    proto::Lifetime lifetime{};
    Rights rights;
    std::uint64_t created_usec = 0;
    bool freezable = false;
    bool exclusive_writer = false; // nobody but its creator ever writes
    proto::HugePages huge_pages{}; // that it has; before there is memory, that are asked for
    std::uint64_t digest = 0;      // of the Create that asks for it
};

struct Segment {
    Blueprint is;                   // but for the fields of its element
    std::shared_ptr<Memory> memory; // shared with work that is under way
    std::int64_t creator_pid = 0;
    std::string creator_program;
    HolderId creator = 0;         // of the session that made it
    std::uint64_t age = 0;        // rank among all segments ever made
    bool ended = false;           // nobody can find it any more
    std::uint32_t waiting = 0;    // attachments that wait for changes and cannot write
    std::uint64_t recoveries = 0; // how often its lock was passed on from the dead
    std::optional<proto::DeadHolder> last_recovery;
    Charge charge;
    Charge name_charge;
    Charge descriptor_charge;
    Charge reading_charge; // of the memory's read-only descriptor, since there is one
    Record record;
    Deposit deposit; // of the memory
    std::set<Session*> attached;
    PackedFields fields{};           // of its element
    std::uint64_t initial_bytes = 0; // of the memory, that the daemon has touched
    std::optional<std::uint32_t>
        kept_by{}; // it has ended, its owner's user is gone, and this one has it attached

    Remains remains() const;

    // What it was made of, whole.
    Blueprint blueprint() const;

    // By the kernel's seals, which a client adds: no process can write to it any more.
    bool is_frozen() const { return is.freezable && memory->is_frozen(); }

    // Other sessions can have it: its exclusive writer, if it has one, has named or sealed it.
    bool is_whole() const {
        return !is.exclusive_writer || is.name.has_value() || memory->is_closed_to_new_writers();
    }
};

// What a new segment, its name, its descriptor and its creator's attachment take.
struct Charges {
    Charge segment, name, descriptor, attachment;
};

// Who learns of what happens to segments, when it has.
class Observer {
  public:
    virtual ~Observer() = default;
    // `by` is null, if a segment ended for want of attachments.
    virtual void happened(proto::EventKind kind, const Segment& segment, const Session* by) = 0;
};

// Who keeps what there is, so that it outlives this process.
class Keeper {
  public:
    virtual ~Keeper() = default;
    virtual void keep(Session& session) = 0;
    virtual void keep_progress(Session& session) = 0; // of its numbered calls
    virtual void keep(Segment& segment) = 0;
    virtual void keep(const Session& session, const Segment& segment, Attachment& attachment) = 0;
};

class Registry {
  public:
    // Has it all kept by a borrowed keeper, who hears of each change that is made here.
    explicit Registry(Keeper& keeper) : keeper_(keeper) {}

    // Tells a borrowed observer from now on.
    void tell(Observer& observer) { observer_ = &observer; }

    // Opens a session; the token has to be a new one.
    Session& open_session(Peer peer, std::string token, Admission admission, Deposit deposit = {});

    // The session's process has another user or other groups by now. Its charges stay where they are.
    void change_caller(Session& session, Caller caller);

    // Nothing, if no such session lives.
    Session* find_session(HolderId holder);

    // Also one that has ended, until finish().
    Session* find_even_ended_session(HolderId holder);
    Session* find_session_by_token(std::string_view token);

    // What a session has left of a segment that is still there.
    struct Left {
        Segment* segment = nullptr;
        bool written = false; // it could write
        bool waited = false;  // it counted in the segment's `waiting`, and does not any more
        Record record{};      // of the attachment, if that is over
    };

    // Ends a session, from which nobody can attach or resume any more. What it has stays until the caller
    // takes it away one by one, as that can be much.
    void end(Session& session);

    // Ends one of the segments that live as long as this session; false, if none is left.
    bool end_one_creation(Session& session);

    // Takes away one attachment of a session that has ended: what that leaves, without a segment if it is
    // gone, and with its record. Nothing, if none is left.
    std::optional<Left> drop_one_attachment(Session& session);

    // Forgets a session that has ended and has nothing any more. What is kept of it is the caller's, until
    // all is made good that it has left.
    struct Legacy {
        Record session, progress;
        Deposit process;
    };
    Legacy finish(Session& session);

    // Nothing, if none that is not ended has this id or name.
    Segment* find(const proto::SegmentId& id);
    Segment* find(const proto::SegmentName& name);

    // Also one that is ended but still attached. An id is free again only when its memory is.
    Segment* find_even_ended(const proto::SegmentId& id);

    // Makes a segment whose id and name are free, and attaches its creator for writing.
    Segment& create(Session& creator, Blueprint blueprint, std::shared_ptr<Memory> memory, Charges charges,
                    Deposit deposit = {}, std::uint64_t initial_bytes = 0);

    // Attaches a session, or once more one that is attached already (then without a charge).
    void attach(Session& session, Segment& segment, proto::Access access, std::uint64_t now_usec,
                Charge charge);

    // From now on this session, which has it attached, counts in the segment's `waiting`, once.
    void count_as_waiting(Session& session, Segment& segment);

    // Takes back one handle of a session's: what that leaves, without a segment if it is gone. Nothing, if it
    // has no handle of this access.
    std::optional<Left> detach(Session& session, Segment& segment, std::optional<proto::Access> access);

    // Whether this session has it attached for writing.
    static bool writes(const Session& session, const Segment& segment);

    // Names an unnamed segment. The name is free.
    void publish(Segment& segment, proto::SegmentName name, Charge charge, const Session* by = nullptr);

    struct Change {
        std::optional<proto::Lifetime> lifetime{};
        std::optional<std::uint32_t> gid{}, mode{};
    };

    // Changes a segment that has not ended; it may end by that. False, and nothing is changed, if it is to
    // end with its creator's session, and that has.
    bool change(Segment& segment, const Change& change, const Session* by = nullptr);

    // Ends a segment: nobody finds it any more. It is gone with its last attachment.
    void end(Segment& segment, const Session* by = nullptr);

    // The oldest segment made after the one of this age; nothing, if there is none.
    Segment* next_after(std::uint64_t age);

    // The memory of segments that are gone. Closing it can take long: the caller chooses when and where.
    std::vector<std::shared_ptr<Memory>> take_released() { return std::exchange(released_, {}); }

    // Calls each(session), but for those that have ended.
    void for_each_session(auto each) const {
        for (const auto& [holder, session] : sessions_) {
            if (!session->ended) {
                each(*session);
            }
        }
    }

    // Calls each(segment), also for those that have ended.
    void for_each_segment(auto each) const {
        for (const auto& [id, segment] : segments_) {
            each(*segment);
        }
    }

    // Each takes up what was kept by another process, of which this one knows nothing yet. Sessions come
    // first, and attachments last; then what has come to its end meanwhile is ended.
    Session& restore(std::unique_ptr<Session> session);
    Segment& restore(std::unique_ptr<Segment> segment);
    static void restore(Session& session, Segment& segment, Attachment attachment);
    void restored(HolderId last_holder);

    std::size_t segments() const { return by_age_.size(); }
    std::size_t sessions() const { return sessions_.size(); }
    std::size_t sessions_of(std::uint32_t uid) const {
        const auto user = sessions_by_user_.find(uid);
        return user != sessions_by_user_.end() ? user->second : 0;
    }

  private:
    bool drop_attachment(Session& session, Segment& segment);
    bool bury_if_unused(Segment& segment);
    static void find_payer(Segment& segment);
    void happened(proto::EventKind kind, const Segment& segment, const Session* by) {
        if (observer_ != nullptr) {
            observer_->happened(kind, segment, by);
        }
    }
    HolderId new_holder();
    void count_out(const Session& session);

    std::unordered_map<HolderId, std::unique_ptr<Session>> sessions_;
    std::unordered_map<std::uint32_t, std::size_t> sessions_by_user_; // how many
    std::unordered_map<std::string_view, Session*> sessions_by_token_;
    std::map<proto::SegmentId, std::unique_ptr<Segment>> segments_; // trees, as those of a session
    std::map<proto::SegmentName, Segment*> by_name_;
    std::map<std::uint64_t, Segment*> by_age_; // but those that are ended
    std::vector<std::shared_ptr<Memory>> released_;
    Keeper& keeper_;
    Observer* observer_ = nullptr;
    HolderId last_holder_ = 0;
    std::uint64_t last_age_ = 0;
};

} // namespace memshare::daemon
