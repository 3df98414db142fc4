#include "daemon/service.h"

#include "proto/interface_description.h"
#include "proto/utf8.h"

#include <fnmatch.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>

namespace memshare::daemon {

using proto::Access;
using proto::AccessDenied;
using proto::Answer;
using proto::InvalidParameter;
using proto::NameTaken;
using proto::NoSuchSegment;
using proto::Nothing;
using proto::Refusal;

namespace {

std::uint64_t now_usec() {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                          std::chrono::system_clock::now().time_since_epoch())
                                          .count());
}

std::unexpected<Refusal> invalid(std::string parameter) {
    return std::unexpected<Refusal>(InvalidParameter{std::move(parameter)});
}

// What the kernel's no to a new memfd or descriptor means to the caller.
Refusal refusal_of(const proto::Error& error, std::uint64_t bytes) {
    if (error.code == std::errc::too_many_files_open ||
        error.code == std::errc::too_many_files_open_in_system) {
        rlimit limit{};
        getrlimit(RLIMIT_NOFILE, &limit);
        return proto::QuotaExceeded{
            .limit = "totalDescriptors", .allowed = limit.rlim_cur, .used = limit.rlim_cur, .requested = 1};
    }
    return proto::OutOfMemory{bytes};
}

proto::Segment shown(const Segment& segment) {
    const Blueprint& is = segment.is;
    return {.id = is.id,
            .name = is.name,
            .form = is.type.form,
            .element = is.type.element,
            .count = is.type.count,
            .shape = is.type.shape,
            .size_bytes = is.type.element_bytes(),
            .payload_offset = is.type.payload_offset(),
            .lifetime = is.lifetime,
            .mode = is.rights.mode,
            .uid = is.rights.uid,
            .gid = is.rights.gid,
            .creator = {.pid = segment.creator_pid, .program = segment.creator_program},
            .created_usec = is.created_usec,
            .attachments = segment.attached.size()};
}

Answer<Blueprint> blueprint_of(const Session& session, const proto::Create& call) {
    Blueprint plan{.id = call.id ? *call.id : proto::SegmentId::random(),
                   .name = call.name,
                   .type = {.form = call.form,
                            .element = call.element,
                            .count = call.count.value_or(1),
                            .shape = call.shape},
                   .lifetime = call.lifetime.value_or(proto::Lifetime::creator),
                   .rights = {.uid = session.caller.uid,
                              .gid = call.group.value_or(session.caller.gid),
                              .mode = call.mode.value_or(Rights{}.mode)},
                   .created_usec = now_usec()};
    if (auto wrong = plan.type.complete()) {
        return invalid(*std::move(wrong));
    }
    if (plan.rights.mode > permission_bits) {
        return invalid("mode");
    }
    if (session.caller.uid != 0 && !session.caller.is_in_group(plan.rights.gid)) {
        return invalid("group");
    }
    if (call.initial.size() >
        std::min<std::uint64_t>(plan.type.element_bytes(), proto::limits::initial_bytes)) {
        return invalid("initial");
    }
    return plan;
}

} // namespace

Answer<HolderId> Service::welcome(Peer peer) {
    const std::uint32_t uid = peer.caller.uid;
    auto charge = quota_.charge(uid, Resource::sessions, 1);
    if (!charge) {
        return std::unexpected(charge.error());
    }
    auto descriptors = quota_.charge(uid, Resource::descriptors, proto::limits::descriptors_per_session);
    if (!descriptors) {
        return std::unexpected(descriptors.error());
    }
    std::string token = proto::SegmentId::random().text();
    Session& session = registry_.open_session(std::move(peer), std::move(token), *std::move(charge));
    session.descriptors_charge = *std::move(descriptors);
    return session.holder;
}

void Service::answer(HolderId holder, const proto::Call& call, Outgoing& out) {
    out.session = holder;
    Session* session = registry_.find_session(holder);
    if (session == nullptr) { // its process ended while it still had calls in the socket
        out.hang_up = true;
        return;
    }
    Turn turn{.session = *session, .out = out, .more = call.more};
    if (call.upgrade) {
        write_refusal(out.text, proto::MethodNotImplemented{std::string(call.method)});
    } else if (!dispatch(proto::Methods{}, turn, call)) {
        write_refusal(out.text, proto::MethodNotFound{std::string(call.method)});
    }
    if (call.oneway) {
        out.text.clear();
        out.fd = -1;
        out.next = nullptr;
    }
}

template <typename... Method>
bool Service::dispatch(proto::MethodList<Method...> /*methods*/, Turn& turn, const proto::Call& call) {
    return ((Method::method == call.method && (run<Method>(turn, call), true)) || ...);
}

template <typename Method> void Service::run(Turn& turn, const proto::Call& call) {
    const auto parameters = proto::read_parameters<Method>(call.parameters, proto::Strangers::refuse);
    if (!parameters) {
        write_refusal(turn.out.text, InvalidParameter{parameters.error()});
        return;
    }
    const Answer<typename Method::Reply> answer = handle(turn, *parameters);
    if (answer) {
        write_reply(turn.out.text, *answer, turn.out.next != nullptr);
    } else {
        write_refusal(turn.out.text, answer.error());
    }
}

Answer<Segment*> Service::find(const proto::SegmentReference& reference) {
    if (reference.name.has_value() == reference.id.has_value()) {
        return invalid(reference.name ? "id" : "name");
    }
    Segment* segment = reference.name ? registry_.find(*reference.name) : registry_.find(*reference.id);
    if (segment == nullptr) {
        return std::unexpected(NoSuchSegment{reference.words()});
    }
    return segment;
}

// The segment, if it belongs to the session's user.
Answer<Segment*> Service::find_for(const Session& session, const proto::SegmentReference& reference) {
    auto segment = find(reference);
    if (segment && !owns(session.caller, (*segment)->is.rights)) {
        return std::unexpected(AccessDenied{reference.words()});
    }
    return segment;
}

Answer<Registry::Charges> Service::charge_for(const Session& session, std::uint64_t bytes) {
    Registry::Charges charges;
    const auto take = [&](Charge& into, Resource resource, std::uint64_t amount) -> Answer<void> {
        auto charge = quota_.charge(session.caller.uid, resource, amount);
        if (!charge) {
            return std::unexpected(charge.error());
        }
        into = *std::move(charge);
        return {};
    };
    for (const auto& taken :
         {take(charges.segment, Resource::segments, 1), take(charges.bytes, Resource::bytes, bytes),
          take(charges.attachment, Resource::attachments, 1),
          take(charges.descriptor, Resource::descriptors, 1)}) {
        if (!taken) {
            return std::unexpected(taken.error());
        }
    }
    return charges;
}

// Puts the descriptor of a segment beside the reply.
Answer<void> Service::hand_out(Turn& turn, const Segment& segment, Access access) {
    if (access == Access::write) {
        turn.out.fd = segment.memory.writable();
        return {};
    }
    auto fd = segment.memory.read_only();
    if (!fd) {
        return std::unexpected(refusal_of(fd.error(), 0));
    }
    turn.out.own_fd = *std::move(fd);
    turn.out.fd = turn.out.own_fd.number();
    return {};
}

Answer<proto::Create::Reply> Service::handle(Turn& turn, const proto::Create& call) {
    Session& session = turn.session;
    if (Segment* made = call.id ? registry_.find_even_ended(*call.id) : nullptr) {
        if (made->creator != session.holder || made->ended) {
            return std::unexpected(NameTaken{call.id->text()});
        }
        turn.out.fd = made->memory.writable(); // the call is repeated: its first reply was lost
        return proto::MemoryReply{.segment = shown(*made)};
    }
    auto plan = blueprint_of(session, call);
    if (!plan) {
        return std::unexpected(plan.error());
    }
    if (plan->name && registry_.find(*plan->name) != nullptr) {
        return std::unexpected(NameTaken{plan->name->text()});
    }
    const std::uint64_t offset = plan->type.payload_offset();
    const std::uint64_t bytes = offset + plan->type.payload_bytes();
    auto charges = charge_for(session, bytes);
    if (!charges) {
        return std::unexpected(charges.error());
    }
    auto memory = Memory::create(plan->id, bytes);
    if (!memory) {
        return std::unexpected(refusal_of(memory.error(), bytes));
    }
    if (auto written = memory->write(call.initial, offset); !written) {
        return std::unexpected(refusal_of(written.error(), bytes));
    }
    const Segment& segment =
        registry_.create(session, *std::move(plan), *std::move(memory), *std::move(charges));
    turn.out.fd = segment.memory.writable();
    return proto::MemoryReply{.segment = shown(segment)};
}

Answer<proto::Attach::Reply> Service::handle(Turn& turn, const proto::Attach& call) {
    const proto::SegmentReference reference{call.name, call.id};
    const auto found = find(reference);
    if (!found) {
        return std::unexpected(found.error());
    }
    Segment& segment = **found;
    if (!may(turn.session.caller, call.access, segment.is.rights)) {
        return std::unexpected(AccessDenied{reference.words()});
    }
    const proto::ExpectedType expected{.form = call.form, .element = call.element, .count = call.count};
    if (!expected.matches(segment.is.type)) {
        return std::unexpected(proto::TypeMismatch{
            .name = reference.words(), .expected = expected.words(), .actual = segment.is.type.words()});
    }
    Charge charge;
    if (!turn.session.attachments.contains(&segment)) {
        auto charged = quota_.charge(turn.session.caller.uid, Resource::attachments, 1);
        if (!charged) {
            return std::unexpected(charged.error());
        }
        charge = *std::move(charged);
    }
    if (const auto handed = hand_out(turn, segment, call.access); !handed) {
        return std::unexpected(handed.error());
    }
    registry_.attach(turn.session, segment, call.access, now_usec(), std::move(charge));
    return proto::MemoryReply{.segment = shown(segment)};
}

Answer<Nothing> Service::handle(Turn& turn, const proto::Detach& call) {
    const proto::SegmentReference reference{call.name, call.id};
    if (call.id && !call.name) { // as one that is ended has no name any more
        Segment* segment = registry_.find_even_ended(*call.id);
        if (segment == nullptr || !registry_.detach(turn.session, *segment, call.access)) {
            return std::unexpected(NoSuchSegment{reference.words()});
        }
        return Nothing{};
    }
    const auto found = find(reference);
    if (!found) {
        return std::unexpected(found.error());
    }
    if (!registry_.detach(turn.session, **found, call.access)) {
        return std::unexpected(NoSuchSegment{reference.words()});
    }
    return Nothing{};
}

Answer<Nothing> Service::handle(Turn& turn, const proto::Publish& call) {
    const auto found = find_for(turn.session, {.name = {}, .id = call.id});
    if (!found) {
        return std::unexpected(found.error());
    }
    const Segment* namesake = registry_.find(*call.name);
    if (namesake == *found) {
        return Nothing{}; // the call is repeated: its first reply was lost
    }
    if ((*found)->is.name) {
        return invalid("id");
    }
    if (namesake != nullptr) {
        return std::unexpected(NameTaken{call.name->text()});
    }
    registry_.publish(**found, *call.name);
    return Nothing{};
}

Answer<Nothing> Service::handle(Turn& turn, const proto::Destroy& call) {
    const auto found = find_for(turn.session, {call.name, call.id});
    if (!found) {
        return std::unexpected(found.error());
    }
    registry_.end(**found);
    return Nothing{};
}

Answer<proto::Describe::Reply> Service::handle(Turn& turn, const proto::Describe& call) {
    const proto::SegmentReference reference{call.name, call.id};
    const auto found = find(reference);
    if (!found) {
        return std::unexpected(found.error());
    }
    Segment& segment = **found; // NOLINT(misc-const-correctness): the key that attachments are found by
    if (!may(turn.session.caller, Access::read, segment.is.rights)) {
        return std::unexpected(AccessDenied{reference.words()});
    }
    proto::Describe::Reply reply{.segment = shown(segment), .attachments = {}};
    for (const Session* session : segment.attached) {
        const Attachment& attachment = session->attachments.at(&segment);
        reply.attachments.push_back({.pid = session->pid,
                                     .uid = session->caller.uid,
                                     .program = session->program,
                                     .access = attachment.writers > 0 ? Access::write : Access::read,
                                     .since_usec = attachment.since_usec});
    }
    std::ranges::sort(reply.attachments, {}, &proto::Attachment::since_usec);
    return reply;
}

namespace {

bool is_listed(const Segment& segment, const Caller& caller, const proto::List& filter) {
    const Blueprint& is = segment.is;
    return may(caller, Access::read, is.rights) && (!filter.uid || *filter.uid == is.rights.uid) &&
           (filter.pattern.empty() ||
            (is.name && fnmatch(filter.pattern.c_str(), is.name->text().c_str(), 0) == 0));
}

} // namespace

// The next segments after one of that age, which moves on, until their weight is enough.
Service::Batch Service::batch(const Caller& caller, const proto::List& filter, std::uint64_t& age,
                              std::size_t enough) {
    Batch batch;
    for (std::size_t weight = 0; weight < enough;) {
        const Segment* segment = registry_.next_after(age);
        if (segment == nullptr) {
            batch.is_last = true;
            break;
        }
        age = segment->age;
        if (is_listed(*segment, caller, filter)) {
            batch.reply.segments.push_back(shown(*segment));
            weight += 1 + segment->is.type.element.fields.size() / proto::limits::list_fields;
        }
    }
    return batch;
}

Answer<proto::List::Reply> Service::handle(Turn& turn, const proto::List& call) {
    if (call.pattern.size() > proto::limits::name_bytes || !proto::is_printable_utf8(call.pattern)) {
        return invalid("pattern");
    }
    std::uint64_t age = 0;
    const std::size_t enough = turn.more ? proto::limits::list_batch : proto::limits::list_whole;
    auto first = batch(turn.session.caller, call, age, enough);
    if (!first.is_last && !turn.more) {
        return std::unexpected(proto::ExpectedMore{});
    }
    // What is made meanwhile is listed too, and what ends is not; the caller's rights are those it came with.
    if (!first.is_last) {
        turn.out.next = [this, call, age, caller = turn.session.caller](Outgoing& out) mutable {
            const auto next = batch(caller, call, age, proto::limits::list_batch);
            write_reply(out.text, next.reply, !next.is_last);
            return !next.is_last;
        };
    }
    return std::move(first.reply);
}

Answer<proto::Hello::Reply> Service::handle(Turn& turn, const proto::Hello& call) {
    Session* session = &turn.session;
    if (!call.resume_token.empty()) {
        session = registry_.find_session_by_token(call.resume_token);
        // The process of a session that is not ended lives, so its pid cannot be another's by now.
        if (session == nullptr || session->pid != turn.session.pid ||
            session->caller.uid != turn.session.caller.uid) {
            return std::unexpected(proto::NotResumable{});
        }
        if (session != &turn.session) {
            registry_.end_session(turn.session);
            turn.out.session = session->holder;
        }
    }
    if (!call.program.empty()) {
        session->program = proto::printable(call.program, proto::limits::program_bytes);
    }
    return proto::Hello::Reply{
        .holder = session->holder, .token = session->token, .version = MEMSHARE_VERSION};
}

Answer<Nothing> Service::handle(Turn& turn, const proto::Goodbye& /*call*/) {
    registry_.end_session(turn.session);
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
