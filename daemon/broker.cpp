#include "daemon/broker.h"

#include <spdlog/spdlog.h>

namespace memshare::daemon {

Broker::Broker(asio::io_context& loop, Quota& quota)
    : loop_(loop),
      service_(
          registry_, quota,
          [this](Errands::Errand errand, Haste haste) {
              haste == Haste::none ? errands_.run(std::move(errand)) : errands_.run_first(std::move(errand));
          },
          [](const proto::Error& error) {
              spdlog::error("a lock may stay held: cannot {}", error.sentence());
          }),
      errands_(loop),
      lifelines_(loop, [this](HolderId session) { end(session); }),
      turns_(loop) {}

proto::Answer<Charge> Broker::admit(std::uint32_t uid) { return service_.admit(uid); }

HolderId Broker::welcome(Peer peer, Charge charge) {
    proto::Fd process = std::move(peer.process);
    const HolderId session = service_.welcome(std::move(peer), std::move(charge));
    lifelines_.tie(session, std::move(process));
    return session;
}

void Broker::connect(HolderId session, Line& line) {
    Line*& place = lines_[session];
    if (place != nullptr && place != &line) {
        place->hang_up();
    }
    place = &line;
}

void Broker::answer(HolderId session, Line& line, const proto::Call& call, Outgoing& out) {
    service_.answer(session, call, out);
    if (out.hang_up) {
        lines_.erase(session); // it ends by itself, when the last reply is sent
    } else if (out.session != session) {
        lines_.erase(session);
        connect(out.session, line);
    }
    settle(session);
}

proto::Answer<Charge> Broker::wait_for_reader(HolderId session, std::uint64_t bytes) {
    return service_.wait_for_reader(session, bytes);
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
    if (place == lines_.end() || place->second != &line) {
        return; // the session has ended, or goes on on another line
    }
    lines_.erase(place);
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

// After anything that may have ended this session, or a segment.
void Broker::settle(HolderId session) {
    if (registry_.find_session(session) == nullptr) {
        lifelines_.cut(session);
        if (const auto line = lines_.extract(session)) {
            line.mapped()->hang_up();
        }
    }
    closer_.close(registry_.take_released());
}

} // namespace memshare::daemon
