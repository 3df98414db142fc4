// How a session ends: in steps, as it may have tens of thousands of segments, and the locks first.
#include "daemon/recovery.h"
#include "daemon/service.h"

#include <utility>

namespace memshare::daemon {

// The ledger says from the start that the session has ended, and forgets each attachment when that is made
// good. So whatever instruction the daemon is killed at, the next one goes on with what is left.
class Service::EndingSession {
  public:
    EndingSession(Service& service, Session& session, std::function<void()> when_done)
        : service_(service),
          holder_(session.holder),
          gone_(session.process()),
          next_(session.attachments.begin()),
          when_done_(std::move(when_done)) {}

    // Whether all is done.
    bool go_on() {
        Session& session = *service_.registry_.find_even_ended_session(holder_);
        if (!pass_on_locks(session) || !end_creations(session) || !drop_attachments(session)) {
            return false;
        }
        *legacy_ = service_.registry_.finish(session);
        if (when_done_) {
            when_done_();
        }
        return true;
    }

  private:
    // What is kept of one part of the attachments until that part is made good; of the session, until all is.
    struct Part {
        std::vector<Record> records;
        std::shared_ptr<const void> session;
    };

    // Asked after each one, as a thousand watches make an end take a millisecond.
    bool is_long_enough() const { return service_.in_steps_.is_long_enough(); }

    // A lock is noted as recovered before it is: whoever gets it may ask at once from whom. Nothing is
    // attached to or detached from a session that has ended, so the place in its table stays valid.
    bool pass_on_locks(Session& session) {
        bool is_over = false;
        while (next_ != session.attachments.end() && !is_over) {
            auto& [segment, attachment] = *next_++;
            if (attachment.writers > 0 && can_pass_on(*segment, holder_)) {
                attachment.recovered = true;
                service_.mend(*segment, holder_, gone_, Priority::urgent, legacy_);
            }
            is_over = is_long_enough();
        }
        return next_ == session.attachments.end();
    }

    bool end_creations(Session& session) {
        while (service_.registry_.end_one_creation(session)) {
            if (is_long_enough()) {
                return false;
            }
        }
        return true;
    }

    bool drop_attachments(Session& session) {
        auto part = std::make_shared<Part>(Part{.records = {}, .session = legacy_});
        bool is_over = false;
        while (!session.attachments.empty() && !is_over) {
            auto one = service_.registry_.drop_one_attachment(session);
            if (one->segment != nullptr) {
                part->records.push_back(std::move(one->record));
                if (one->waited) {
                    service_.update_watchers(*one->segment);
                }
                if (one->written && !one->segment->is_frozen()) {
                    service_.mend(*one->segment, holder_, gone_, Priority::background, part);
                }
            }
            is_over = is_long_enough();
        }
        return session.attachments.empty();
    }

    Service& service_;
    HolderId holder_;
    proto::Process gone_;
    Session::Attachments::iterator next_; // whose lock is to be looked at
    std::function<void()> when_done_;
    std::shared_ptr<Registry::Legacy> legacy_ = std::make_shared<Registry::Legacy>();
};

void Service::end_session(Session& session, std::function<void()> when_done) {
    const HolderId holder = session.holder;
    const std::uint32_t uid = session.caller.uid;
    archive_.keep_the_end_of(session);
    registry_.end(session);
    archive_.commit(); // before anything is made good
    auto ending = std::make_shared<EndingSession>(*this, session, std::move(when_done));
    if (!ending->go_on()) {
        in_steps_.take(holder, uid, [ending] { return ending->go_on(); });
    }
}

} // namespace memshare::daemon
