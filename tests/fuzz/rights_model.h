// A small model of the rights: which user may do what with which segment, and what each call changes. It has
// no code of the product, and leaves quotas and the memory's contents aside.
#pragma once

#include "tests/fuzz/calls.h"

#include <map>
#include <set>

namespace memshare::fuzz {

// The answers that a call may have: names of errors without their interface, with the parameter that is wrong
// ("InvalidParameter serial"); an empty one is success. Where several things are wrong, any of them may be
// said.
using Answers = std::set<std::string>;

class RightsModel {
  public:
    struct Attachment {
        int readers = 0, writers = 0;
        bool waits = false;
    };

    struct Segment {
        std::string id;
        std::optional<std::string> name;
        Type type;
        Lifetime lifetime{};
        std::uint32_t uid = 0, gid = 0, mode = 0;
        bool freezable = false, exclusive_writer = false;
        bool sealed_for_all = false;         // F_SEAL_WRITE was added by a user
        bool sealed_for_new_writers = false; // F_SEAL_FUTURE_WRITE was
        bool ended = false;
        int creator = 0; // a session
        Create made_by;
        std::map<int, Attachment> attachments; // by session

        bool is_frozen() const { return freezable && sealed_for_all; }

        // Others than its creator may have it.
        bool is_whole() const { return !exclusive_writer || name || sealed_for_new_writers; }
    };

    // A session of a process; no two ever have the same number.
    void open(int session, int process, const User& user);
    void end(int session);

    bool lives(int session) const { return sessions_.contains(session); }
    bool holds_nothing(int session) const;

    // The answers that this call may have now.
    Answers answers(int session, const Call& call) const;

    // The id of the segment that a Create or an Attach, if it succeeds, gives; empty, if the broker chooses
    // it.
    std::string meant(int session, const Call& call) const;

    // The call has succeeded; a Create made a segment of this id.
    void succeeded(int session, const Call& call, const std::string& id);

    // The call was refused, by this error.
    void refused(int session, const Call& call, const std::string& error);

    // Also a segment that has ended, as long as a session has it attached. Null, if there is none.
    const Segment* find(const std::string& id) const;
    Segment* find(const std::string& id);
    const std::map<std::string, Segment>& segments() const { return segments_; }

    // The ids that List gives.
    std::set<std::string> listed(int session, const List& call) const;

    bool may(int session, Access access, const Segment& segment) const;
    std::uint64_t last_serial(int session) const { return sessions_.at(session).last_serial; }
    std::uint64_t last_attach_serial(int session) const { return sessions_.at(session).last_attach_serial; }

    const User& user(int session) const { return sessions_.at(session).user; }

    std::size_t sessions() const { return sessions_.size(); }
    std::size_t attachments() const;

  private:
    struct Session {
        int process = 0;
        User user;
        std::uint64_t last_serial = 0;
        std::optional<Attach> last_attach; // a numbered one, if no numbered call came after it
        bool is_taken_back = false;        // since it was repeated, and refused then
        std::uint64_t last_attach_serial = 0;
        std::optional<Detach> last_detach; // the same
        std::string last_attached;
    };

    Answers answers_to(int session, const Create& call) const;
    Answers answers_to(int session, const Attach& call) const;
    Answers answers_to(int session, const Detach& call) const;
    Answers answers_to(int session, const Publish& call) const;
    Answers answers_to(int session, const Destroy& call) const;
    Answers answers_to(int session, const Change& call) const;
    Answers answers_to(int session, const Freeze& call) const;
    Answers answers_to(int session, const Describe& call) const;
    Answers answers_to(int /*session*/, const List& /*call*/) const { return {std::string()}; }
    Answers answers_to(int session, const Hello& call) const;
    Answers answers_to(int /*session*/, const Goodbye& /*call*/) const { return {std::string()}; }
    Answers answers_to_repeated(int session, const Create& call, const Segment& made) const;

    void done(int session, const Create& call, const std::string& id);
    void done(int session, const Attach& call, const std::string& id);
    void done(int session, const Detach& call, const std::string& id);
    void done(int session, const Publish& call, const std::string& id);
    void done(int session, const Destroy& call, const std::string& id);
    void done(int session, const Change& call, const std::string& id);
    void done(int /*session*/, const Freeze& /*call*/, const std::string& /*id*/) {}
    void done(int session, const Hello& call, const std::string& id);
    void done(int session, const Goodbye& /*call*/, const std::string& /*id*/) { end(session); }
    void done(int /*session*/, const Describe& /*call*/, const std::string& /*id*/) {}
    void done(int /*session*/, const List& /*call*/, const std::string& /*id*/) {}

    bool is_in_group(int session, std::uint32_t gid) const;
    bool owns(int session, const Segment& segment) const;
    bool has(int session, const Segment& segment) const { return segment.attachments.contains(session); }
    const Segment* find_live(const Reference& reference) const;
    const Segment* find_for(int session, const Reference& reference, Answers& wrong) const;
    const Segment* find_attached(int session, const Reference& reference) const;
    const Segment* find_to_attach(int session, const Attach& call) const;
    bool is_repeated(int session, const Attach& call) const;
    bool is_repeated(int session, const Detach& call) const;
    bool is_inherited(const Attach& call, const Segment& segment) const;
    bool is_late(int session, const Detach& call) const;
    void count(int session, const Detach& call);
    void take_back(int session, Segment& segment, std::optional<Access> access);
    void end_segment(Segment& segment);
    void drop_attachment(int session, Segment& segment);
    void forget_if_unused(Segment& segment);

    std::map<int, Session> sessions_;
    std::map<std::string, Segment> segments_;
};

} // namespace memshare::fuzz
