#include "daemon/broker.h"

#include "daemon/log.h"
#include "daemon/shortage.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace memshare::daemon {

namespace {

// How long a client that was served by another process has to come back, if it has nothing here: longer than
// it tries a call again, unless it is told to try longer.
constexpr std::chrono::seconds time_to_return{10};

} // namespace

Broker::Broker(asio::io_context& loop, Quota& quota, Archive& archive, const StepClock& clock)
    : loop_(loop),
      quota_(quota),
      archive_(archive),
      registry_(archive),
      service_(
          registry_, quota, archive, clock, [this](Work work) { worker_.run(std::move(work)); },
          {.take = [this](HolderId session, std::uint32_t uid,
                          std::function<bool()> step) { take_in_steps(session, uid, std::move(step)); },
           .is_long_enough = [this] { return turns_.is_over(); }},
          log),
      slow_closer_(std::make_shared<SlowCloser>(loop, quota)),
      worker_(loop, [this] { after_change(); }),
      lifelines_(loop,
                 [this](HolderId session) {
                     if (const Session* record = registry_.find_session(session)) {
                         end_in_turn(*record);
                     }
                 }),
      tidying_(loop),
      idling_(loop),
      turns_(loop) {}

Broker::~Broker() { slow_closer_->leave_the_loop(); }

proto::Result<void> Broker::restore() {
    if (auto restored = service_.restore(); !restored) {
        return restored;
    }
    registry_.for_each_session(
        [this](const Session& session) { lifelines_.tie(session.holder, session.process_fd); });
    if (registry_.sessions() > 0) {
        idling_.expires_after(time_to_return);
        idling_.async_wait([this](const std::error_code& failure) {
            if (!failure) {
                end_the_idle();
            }
        });
    }
    closer_.close(registry_.take_released());
    commit();
    return {};
}

// Nobody would notice that their connection has ended, as that was with another process.
void Broker::end_the_idle() {
    const auto is_idle = [this](const Session& session) {
        return session.holds_nothing() && !lines_.contains(session.holder);
    };
    std::vector<std::pair<std::uint32_t, HolderId>> idle;
    registry_.for_each_session([&](const Session& session) {
        if (is_idle(session)) {
            idle.emplace_back(session.caller.uid, session.holder);
        }
    });
    for (const auto& [uid, holder] : idle) {
        turns_.take(uid, Turns::Of::ending, [this, is_idle, holder] {
            const Session* session = registry_.find_session(holder); // it may have been resumed meanwhile
            if (session != nullptr && is_idle(*session)) {
                end(holder);
            }
        });
    }
}

bool Broker::finish(std::chrono::steady_clock::time_point until) {
    return worker_.finish(until) && closer_.finish(until);
}

proto::Answer<Admission> Broker::admit(std::uint32_t uid) {
    auto charge = service_.admit(uid);
    if (charge) {
        return Admission{.charge = *std::move(charge)};
    }
    auto& guests = guests_[uid];
    if (guests == nullptr) {
        guests = std::make_shared<int>();
    }
    if (std::cmp_greater_equal(guests.use_count() - 1, sessions_without_a_line(uid))) {
        if (guests.use_count() == 1) {
            guests_.erase(uid);
        }
        return std::unexpected(charge.error());
    }
    auto descriptors = service_.admit_guest(uid);
    if (!descriptors) {
        return std::unexpected(descriptors.error());
    }
    return Admission{.charge = *std::move(descriptors), .guest = guests};
}

std::size_t Broker::sessions_without_a_line(std::uint32_t uid) const {
    const auto lines = lines_by_user_.find(uid);
    return registry_.sessions_of(uid) - (lines != lines_by_user_.end() ? lines->second : 0);
}

proto::Answer<HolderId> Broker::welcome(Peer peer, Admission admission) {
    auto process = peer.process;
    auto groups = service_.admit_groups(peer.caller);
    if (!groups) {
        return std::unexpected(groups.error());
    }
    admission.groups = *std::move(groups);
    const auto session = service_.welcome(std::move(peer), std::move(admission));
    if (!session) {
        log({.event = Report::Event::session_refused,
             .sentence = "a session is refused: cannot " + session.error().sentence()});
        return std::unexpected(refusal_of(session.error(), 0));
    }
    lifelines_.tie(*session, std::move(process));
    commit();
    return *session;
}

void Broker::connect(HolderId session, Line& line) {
    if (Line* const before = disconnect(session); before != nullptr && before != &line) {
        before->hang_up();
    }
    const std::uint32_t uid = registry_.find_session(session)->caller.uid;
    lines_.emplace(session, Connected{&line, uid});
    ++lines_by_user_[uid];
}

// The session's line, if it had one.
Line* Broker::disconnect(HolderId session) {
    const auto line = lines_.extract(session);
    if (!line) {
        return nullptr;
    }
    if (const auto user = lines_by_user_.find(line.mapped().uid); --user->second == 0) {
        lines_by_user_.erase(user);
    }
    return line.mapped().line;
}

void Broker::answer(HolderId session, Line& line, const proto::Call& call, Outgoing& out) {
    try {
        service_.answer(session, call, out);
    } catch (...) { // for want of memory
        if (archive_.keeps()) {
            std::terminate(); // what is half done is undone for the next process, and would count for this
                              // one
        }
        throw;
    }
    if (out.hang_up) {
        disconnect(session); // it ends by itself, when the last reply is sent
    } else if (out.session != session) {
        disconnect(session);
        connect(out.session, line);
    }
    settle(session);
}

proto::Answer<Charge> Broker::wait_for_reader(HolderId session, std::uint64_t bytes) {
    return service_.wait_for_reader(session, bytes);
}

void Broker::complain(HolderId session, std::string_view what) {
    const Session* record = registry_.find_session(session);
    const auto process = record != nullptr ? std::optional(record->process()) : std::nullopt;
    const std::string whose = process ? process->program + " (pid " + std::to_string(process->pid) +
                                            ", uid " + std::to_string(process->uid) + ")"
                                      : "a process that has left";
    log({.event = Report::Event::conversation_ended,
         .sentence = "ended a conversation with " + whose + ": " + std::string(what),
         .process = process});
}

void Broker::let_go(std::shared_ptr<Memory> memory) {
    if (memory != nullptr && memory->is_released()) {
        std::vector<std::shared_ptr<Memory>> last;
        last.push_back(std::move(memory));
        closer_.close(std::move(last));
    }
}

void Broker::over(HolderId session, Line& line) {
    const auto place = lines_.find(session);
    if (place == lines_.end() || place->second.line != &line) {
        return; // the session has ended, or goes on on another line
    }
    disconnect(session);
    if (const Session* record = registry_.find_session(session);
        record != nullptr && record->holds_nothing()) {
        end(session);
    }
}

void Broker::end(HolderId session) {
    if (Session* record = registry_.find_session(session)) {
        spdlog::debug("session {} of {} (pid {}, uid {}) ends with {} attachments", session, record->program,
                      record->pid, record->caller.uid, record->attachments.size());
        service_.end_session(*record);
    }
    settle(session);
}

// However many processes die at once: others wait for one of them at a time.
void Broker::end_in_turn(const Session& session) {
    turns_.take(session.caller.uid, Turns::Of::ending, [this, holder = session.holder] { end(holder); });
}

void Broker::take_in_steps(HolderId session, std::uint32_t uid, std::function<bool()> step) {
    turns_.take(uid, Turns::Of::ending, [this, session, uid, step = std::move(step)]() mutable {
        const bool is_done = step();
        settle(session);
        if (!is_done) {
            take_in_steps(session, uid, std::move(step));
        }
    });
}

// After anything that may have ended this session, or a segment.
void Broker::settle(HolderId session) {
    if (registry_.find_session(session) == nullptr) {
        lifelines_.cut(session);
        if (Line* const line = disconnect(session)) {
            line->hang_up();
        }
    }
    after_change();
}

// After anything that may have ended a segment.
void Broker::after_change() {
    closer_.close(registry_.take_released());
    commit();
}

// After anything that may have changed what there is.
void Broker::commit() {
    archive_.commit();
    if (archive_.keeps()) {
        tidy_later();
    }
}

void Broker::tidy_later() {
    const auto wait = archive_.vault().next_step();
    if (!wait) {
        return;
    }
    const auto when = std::chrono::steady_clock::now() + *wait;
    if (next_tidying_ && *next_tidying_ <= when) {
        return;
    }
    next_tidying_ = when;
    tidying_.expires_at(when);
    tidying_.async_wait([this](const std::error_code& failure) {
        if (!failure) {
            tidy();
        }
    });
}

void Broker::tidy() {
    next_tidying_.reset();
    archive_.vault().step();
    closer_.leave(archive_.vault().take_dropped());
    tidy_later();
}

} // namespace memshare::daemon
