#include "daemon/service.h"

#include "daemon/clock.h"
#include "daemon/resumption.h"
#include "proto/interface_description.h"
#include "proto/utf8.h"

#include <algorithm>

namespace memshare::daemon {

using proto::Answer;
using proto::InvalidParameter;
using proto::Nothing;

Service::Service(Registry& registry, Quota& quota, Archive& archive, const StepClock& clock,
                 Executor executor, InSteps in_steps, Tell tell)
    : registry_(registry),
      quota_(quota),
      archive_(archive),
      clock_(clock),
      executor_(std::move(executor)),
      in_steps_(std::move(in_steps)),
      tell_(std::move(tell)),
      started_usec_(now_usec()) {
    registry.tell(*this);
}

Answer<Charge> Service::admit(std::uint32_t uid) {
    auto charge = quota_.charge(uid, {{Resource::sessions, 1},
                                      {Resource::descriptors, proto::limits::descriptors_per_session, true}});
    if (!charge) {
        ++counters_.refusals;
    }
    return charge;
}

Answer<Charge> Service::admit_guest(std::uint32_t uid) {
    return quota_.charge(uid, {{Resource::descriptors, proto::limits::descriptors_per_session, true}});
}

Answer<Charge> Service::admit_groups(const Caller& caller) {
    return quota_.charge(caller.uid, Resource::description_bytes, description_bytes(caller.groups));
}

proto::Result<HolderId> Service::welcome(Peer peer, Admission admission) {
    auto deposit = archive_.deposit(peer.process);
    if (!deposit) {
        return std::unexpected(deposit.error());
    }
    ++counters_.sessions;
    std::string token = proto::SegmentId::random().text();
    return registry_
        .open_session(std::move(peer), std::move(token), std::move(admission), *std::move(deposit))
        .holder;
}

proto::Result<void> Service::restore() {
    auto restored = archive_.restore(registry_, quota_, tell_);
    if (!restored) {
        return std::unexpected(restored.error());
    }
    for (const HolderId ended : restored->ended) {
        end_session(*registry_.find_session(ended));
    }
    for (Held& held : restored->held) {
        recover_one(std::move(held));
    }
    registry_.for_each_segment([this](const Segment& segment) {
        if (!segment.is.exclusive_writer && segment.memory->watchers() != segment.waiting) {
            update_watchers(segment); // the count of another process, which was killed before it was right
        }
    });
    return {};
}

Answer<Charge> Service::wait_for_reader(HolderId holder, std::uint64_t bytes) {
    const Session* session = registry_.find_session(holder);
    return session != nullptr ? quota_.charge(session->caller.uid, Resource::unread_bytes, bytes) : Charge();
}

void Service::answer(HolderId holder, const proto::Call& call, Outgoing& out) {
    out.session = holder;
    Session* session = registry_.find_session(holder);
    if (session == nullptr) { // its process ended while it still had calls in the socket
        out.hang_up = true;
        return;
    }
    ++counters_.calls;
    if (session->guest && call.method != proto::Hello::method && !may_stay(*session, out)) {
        return;
    }
    Turn turn{.session = *session, .out = out, .more = call.more};
    if (call.upgrade) {
        refuse(turn, proto::MethodNotImplemented{std::string(call.method)});
    } else if (!dispatch(proto::Methods{}, turn, call)) {
        refuse(turn, proto::MethodNotFound{std::string(call.method)});
    }
    session = registry_.find_session(out.session);
    if (session != nullptr && session->guest && !may_stay(*session, out)) {
        return;
    }
    if (call.oneway) {
        out.text.clear();
        out.fd = -1;
        out.next = nullptr;
    }
}

// A guest that does not go on with another session has to be one of its own, if that may be. Else it ends.
bool Service::may_stay(Session& session, Outgoing& out) {
    auto charge = admit(session.caller.uid);
    if (charge) {
        session.charge = *std::move(charge);
        session.guest = nullptr;
        return true;
    }
    end_session(session);
    out.text.clear();
    write_refusal(out.text, charge.error());
    out.hang_up = true;
    return false;
}

template <typename... Method>
bool Service::dispatch(proto::MethodList<Method...> /*methods*/, Turn& turn, const proto::Call& call) {
    return ((Method::method == call.method && (run<Method>(turn, call), true)) || ...);
}

template <typename Method> void Service::run(Turn& turn, const proto::Call& call) {
    const auto parameters = proto::read_parameters<Method>(call.parameters, proto::Strangers::refuse);
    if (!parameters) {
        refuse(turn, InvalidParameter{parameters.error()});
        return;
    }
    const Answer<typename Method::Reply> answer = handle(turn, *parameters);
    if (answer) {
        if (!turn.out.made_later) {
            write_reply(turn.out.text, *answer, turn.out.next != nullptr);
        }
    } else {
        refuse(turn, answer.error());
    }
}

void Service::refuse(Turn& turn, const proto::Refusal& why) { refuse_later(turn.out, why); }

void Service::refuse_later(Outgoing& out, const proto::Refusal& why) {
    ++counters_.refusals;
    write_refusal(out.text, why);
}

Answer<proto::Hello::Reply> Service::handle(Turn& turn, const proto::Hello& call) {
    Session* session = &turn.session;
    if (!call.resume_token.empty()) {
        session = registry_.find_session_by_token(call.resume_token);
        if (session == nullptr || !is_same_process(*session, turn.session)) {
            return std::unexpected(proto::NotResumable{});
        }
        if (session != &turn.session) {
            registry_.change_caller(*session,
                                    turn.session.caller); // as the kernel says that the process is now
            end_session(turn.session);
            turn.out.session = session->holder;
        }
    }
    if (!call.program.empty()) {
        session->program = proto::printable(call.program, proto::limits::program_bytes);
        archive_.keep(*session);
    }
    return proto::Hello::Reply{
        .holder = session->holder, .token = session->token, .version = MEMSHARE_VERSION};
}

Answer<Nothing> Service::handle(Turn& turn, const proto::Goodbye& /*call*/) {
    auto condition = std::make_shared<Outgoing::Condition>();
    end_session(turn.session, [condition] {
        condition->met = true;
        if (condition->wake) {
            condition->wake();
        }
    });
    turn.out.condition = condition->met ? nullptr : std::move(condition);
    turn.out.hang_up = true;
    return Nothing{};
}

Answer<proto::GetInfo::Reply> Service::handle(Turn& /*turn*/, const proto::GetInfo& /*call*/) {
    proto::GetInfo::Reply reply{.vendor = "The memshare developers",
                                .product = "memshared",
                                .version = MEMSHARE_VERSION,
                                .url = "https://memshare.io",
                                .interfaces = {}};
    for (const auto& interface : proto::interface_descriptions()) {
        reply.interfaces.emplace_back(interface.name);
    }
    return reply;
}

Answer<proto::GetInterfaceDescription::Reply> Service::handle(Turn& /*turn*/,
                                                              const proto::GetInterfaceDescription& call) {
    const auto& all = proto::interface_descriptions();
    const auto found = std::ranges::find(all, call.interface, &proto::InterfaceDescription::name);
    if (found == all.end()) {
        return std::unexpected(proto::InterfaceNotFound{call.interface});
    }
    return proto::GetInterfaceDescription::Reply{std::string(found->text)};
}

} // namespace memshare::daemon
