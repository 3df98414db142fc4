// The model of the rights, call by call: what each may be answered, and what it changes.
#include "tests/fuzz/rights_model.h"

#include <algorithm>
#include <utility>

namespace memshare::fuzz {
namespace {

constexpr std::uint32_t root = 0;
constexpr std::uint32_t permission_bits = 0777;

const std::string success;
const std::string no_such_segment = "NoSuchSegment";
const std::string access_denied = "AccessDenied";

std::string invalid(const std::string& parameter) { return "InvalidParameter " + parameter; }

// The rules that a call breaks: any of them may be told. A call that breaks none succeeds.
Answers or_success(Answers wrong) { return wrong.empty() ? Answers{success} : wrong; }

bool expects_other(const Attach& call, const Type& actual) {
    return (call.form && *call.form != actual.form) || (call.kind && *call.kind != actual.kind) ||
           (call.count && *call.count != actual.count);
}

} // namespace

// Create

// A repeated call gives the same segment, as long as the session has what the call gave it.
Answers RightsModel::answers_to_repeated(int session, const Create& call, const Segment& made) const {
    const auto attachment = made.attachments.find(session);
    const bool writes = attachment != made.attachments.end() && attachment->second.writers > 0;
    Answers wrong;
    if (!(call == made.made_by)) {
        wrong.insert({"NameTaken", invalid("id")});
    }
    if (!writes) {
        wrong.insert({"NameTaken", no_such_segment, invalid("id")});
    }
    if (!may(session, Access::write, made)) {
        wrong.insert({access_denied, no_such_segment});
    }
    if (made.is_frozen()) {
        wrong.insert("Frozen");
    }
    return or_success(std::move(wrong));
}

Answers RightsModel::answers_to(int session, const Create& call) const {
    if (const Segment* made = call.id ? find(*call.id) : nullptr) {
        if (made->creator != session || made->ended) {
            return {"NameTaken"};
        }
        return answers_to_repeated(session, call, *made);
    }
    Answers wrong;
    if (call.exclusive_writer && call.name) {
        wrong.insert(invalid("name"));
    }
    if (call.exclusive_writer && call.freezable) {
        wrong.insert(invalid("freezable"));
    }
    if (call.mode && *call.mode > permission_bits) {
        wrong.insert(invalid("mode"));
    }
    if (call.group && sessions_.at(session).user.uid != root && !is_in_group(session, *call.group)) {
        wrong.insert(invalid("group"));
    }
    if (call.name && find_live({.name = call.name, .id = {}}) != nullptr) {
        wrong.insert("NameTaken");
    }
    return or_success(std::move(wrong));
}

void RightsModel::done(int session, const Create& call, const std::string& id) {
    if (find(id) != nullptr) {
        return; // repeated
    }
    const User& user = sessions_.at(session).user;
    Segment made{.id = id,
                 .name = call.name,
                 .type = call.type,
                 .lifetime = call.lifetime.value_or(Lifetime::creator),
                 .uid = user.uid,
                 .gid = call.group.value_or(user.gid),
                 .mode = call.mode.value_or(0600),
                 .freezable = call.freezable,
                 .exclusive_writer = call.exclusive_writer,
                 .creator = session,
                 .made_by = call,
                 .attachments = {}};
    made.attachments[session].writers = 1;
    segments_.emplace(id, std::move(made));
}

// Attach

std::string RightsModel::meant(int session, const Call& call) const {
    if (const auto* create = std::get_if<Create>(&call)) {
        return create->id.value_or("");
    }
    const Attach& attach = std::get<Attach>(call);
    return is_repeated(session, attach) ? sessions_.at(session).last_attached
                                        : find_to_attach(session, attach)->id;
}

// A process that has inherited the memory may name it by its id also when the segment has ended.
const RightsModel::Segment* RightsModel::find_to_attach(int session, const Attach& call) const {
    const bool also_ended = call.mapped && call.segment.id;
    const Segment* inherited = also_ended ? find(*call.segment.id) : nullptr;
    return inherited != nullptr ? inherited : find_attached(session, call.segment);
}

// A forked process has what the process that forked it has attached, whatever the rights are by now: it
// proves that by the token of that session.
bool RightsModel::is_inherited(const Attach& call, const Segment& segment) const {
    const bool says_so = call.inherited_from && call.mapped && call.segment.id && !call.segment.name;
    if (!says_so || !has(*call.inherited_from, segment)) {
        return false;
    }
    const Attachment& from = segment.attachments.at(*call.inherited_from);
    return from.writers > 0 || (call.access == Access::read && from.readers > 0);
}

// A numbered call that equals the last numbered one in everything is that call again.
bool RightsModel::is_repeated(int session, const Attach& call) const {
    const auto& last = sessions_.at(session).last_attach;
    return call.serial && last && call == *last;
}

Answers RightsModel::answers_to(int session, const Attach& call) const {
    const Session& caller = sessions_.at(session);
    const bool repeated = is_repeated(session, call);
    if (call.serial && *call.serial <= caller.last_serial && !repeated) {
        return {invalid("serial")};
    }
    if (call.segment.name.has_value() == call.segment.id.has_value()) {
        return {invalid(call.segment.name ? "id" : "name")};
    }
    const Segment* segment = nullptr;
    if (repeated) { // of the same segment, whatever has its name by now
        segment = find(caller.last_attached);
        if (segment == nullptr || !has(session, *segment)) {
            return {no_such_segment, invalid("serial")};
        }
    } else {
        segment = find_to_attach(session, call);
    }
    if (segment == nullptr) {
        return {no_such_segment};
    }
    if (!segment->is_whole() && segment->creator != session) {
        return {no_such_segment};
    }
    Answers wrong;
    const bool inherited = is_inherited(call, *segment);
    if (!inherited && !may(session, Access::read, *segment)) {
        wrong.insert(no_such_segment);
        if (!owns(session, *segment) && !has(session, *segment)) {
            return wrong;
        }
        wrong.insert(access_denied); // it knows of the segment anyway
    }
    if (!inherited && !may(session, call.access, *segment)) {
        wrong.insert(access_denied);
    }
    if (call.access == Access::write && segment->exclusive_writer) {
        wrong.insert(access_denied);
    }
    if (call.access == Access::write && segment->is_frozen()) {
        wrong.insert("Frozen");
    }
    if (expects_other(call, segment->type)) {
        wrong.insert("TypeMismatch");
    }
    return or_success(std::move(wrong));
}

void RightsModel::done(int session, const Attach& call, const std::string& /*id*/) {
    Session& caller = sessions_.at(session);
    if (is_repeated(session, call)) {
        Attachment& first = find(caller.last_attached)->attachments.at(session);
        first.waits = first.waits || call.waits;
        return;
    }
    const std::string id = meant(session, call);
    Attachment& attachment = find(id)->attachments[session];
    ++(call.access == Access::write ? attachment.writers : attachment.readers);
    attachment.waits = attachment.waits || call.waits;
    if (call.serial) {
        caller.last_serial = *call.serial;
        caller.last_attach = call;
        caller.last_attach_serial = *call.serial;
        caller.last_attached = id;
        caller.last_detach.reset();
        caller.is_taken_back = false;
    }
}

// Detach

bool RightsModel::is_repeated(int session, const Detach& call) const {
    const auto& last = sessions_.at(session).last_detach;
    return call.serial && last && call == *last;
}

// An old one was carried out, and may be told again.
bool RightsModel::is_late(int session, const Detach& call) const {
    return call.serial && *call.serial != 0 && *call.serial < sessions_.at(session).last_serial;
}

Answers RightsModel::answers_to(int session, const Detach& call) const {
    const Session& caller = sessions_.at(session);
    if (is_repeated(session, call) || is_late(session, call)) {
        return {success};
    }
    if (call.serial && *call.serial <= caller.last_serial) {
        return {invalid("serial")};
    }
    Answers wrong;
    if (call.attached) {
        if (*call.attached == 0) {
            return {invalid("attached")};
        }
        if (*call.attached != caller.last_attach_serial) {
            return {success}; // that Attach was not carried out
        }
    } else if (call.segment.name.has_value() == call.segment.id.has_value()) {
        return {invalid(call.segment.name ? "id" : "name")};
    }
    const Segment* segment =
        call.attached ? find(caller.last_attached) : find_attached(session, call.segment);
    const bool known = segment != nullptr && has(session, *segment);
    const Attachment attachment = known ? segment->attachments.at(session) : Attachment();
    const int handles = !call.access                   ? attachment.readers + attachment.writers
                        : *call.access == Access::read ? attachment.readers
                                                       : attachment.writers;
    if (wrong.empty() && handles == 0) {
        wrong.insert(no_such_segment);
    }
    return or_success(std::move(wrong));
}

void RightsModel::done(int session, const Detach& call, const std::string& /*id*/) {
    Session& caller = sessions_.at(session);
    if (is_repeated(session, call) || is_late(session, call)) {
        return;
    }
    const bool nothing = call.attached && *call.attached != caller.last_attach_serial;
    const Segment* found = call.attached ? find(caller.last_attached) : find_attached(session, call.segment);
    count(session, call);
    if (!nothing) {
        take_back(session, *find(found->id), call.access);
    }
}

// A Detach that finds nothing to take back has used its number all the same.
void RightsModel::refused(int session, const Call& call, const std::string& error) {
    if (const auto* detach = std::get_if<Detach>(&call)) {
        if (error == no_such_segment || error == invalid("name") || error == invalid("id")) {
            count(session, *detach);
        }
    } else if (const auto* attach = std::get_if<Attach>(&call);
               attach != nullptr && is_repeated(session, *attach)) {
        // Its caller takes it as not carried out, and will not detach: so the first one is taken back, once.
        Session& caller = sessions_.at(session);
        Segment* segment = find(caller.last_attached);
        if (segment != nullptr && has(session, *segment) && !std::exchange(caller.is_taken_back, true)) {
            take_back(session, *segment, attach->access);
        }
    }
}

void RightsModel::count(int session, const Detach& call) {
    if (call.serial) {
        Session& caller = sessions_.at(session);
        caller.last_serial = *call.serial;
        caller.last_detach = call;
        caller.last_attach.reset();
    }
}

void RightsModel::take_back(int session, Segment& segment, std::optional<Access> access) {
    Attachment& attachment = segment.attachments.at(session);
    const bool writing = access ? *access == Access::write : attachment.writers > 0;
    if ((writing ? attachment.writers : attachment.readers) == 0) {
        return;
    }
    --(writing ? attachment.writers : attachment.readers);
    if (attachment.readers + attachment.writers == 0) {
        drop_attachment(session, segment);
    }
}

// The calls of the owner

Answers RightsModel::answers_to(int session, const Publish& call) const {
    Answers wrong;
    const Segment* segment = find_for(session, {.name = {}, .id = call.id}, wrong);
    if (segment == nullptr) {
        return wrong;
    }
    if (segment->name == call.name) {
        return {success}; // repeated
    }
    if (segment->name) {
        wrong.insert(invalid("id"));
    }
    if (find_live({.name = call.name, .id = {}}) != nullptr) {
        wrong.insert("NameTaken");
    }
    wrong = or_success(std::move(wrong));
    if (segment->exclusive_writer && !segment->sealed_for_new_writers) {
        wrong.insert("NotSealed"); // the broker may leave that to the creator
    }
    return wrong;
}

void RightsModel::done(int /*session*/, const Publish& call, const std::string& /*id*/) {
    find(call.id)->name = call.name;
}

Answers RightsModel::answers_to(int session, const Destroy& call) const {
    Answers wrong;
    find_for(session, call.segment, wrong);
    return or_success(std::move(wrong));
}

void RightsModel::done(int /*session*/, const Destroy& call, const std::string& /*id*/) {
    end_segment(*find(find_live(call.segment)->id));
}

Answers RightsModel::answers_to(int session, const Change& call) const {
    Answers wrong;
    const Segment* segment = find_for(session, call.segment, wrong);
    if (segment == nullptr) {
        return wrong;
    }
    if (call.mode && *call.mode > permission_bits) {
        wrong.insert(invalid("mode"));
    }
    if (call.group && sessions_.at(session).user.uid != root && !is_in_group(session, *call.group)) {
        wrong.insert(invalid("group"));
    }
    if (call.lifetime == Lifetime::creator && !lives(segment->creator)) {
        wrong.insert(invalid("lifetime"));
    }
    return or_success(std::move(wrong));
}

void RightsModel::done(int /*session*/, const Change& call, const std::string& /*id*/) {
    Segment& segment = *find(find_live(call.segment)->id);
    segment.lifetime = call.lifetime.value_or(segment.lifetime);
    segment.mode = call.mode.value_or(segment.mode);
    segment.gid = call.group.value_or(segment.gid);
    if (segment.lifetime == Lifetime::attached && segment.attachments.empty()) {
        end_segment(segment);
    }
}

// The broker never seals memory: the caller does, and the broker looks.
Answers RightsModel::answers_to(int session, const Freeze& call) const {
    Answers wrong;
    const Segment* segment = find_for(session, call.segment, wrong);
    if (segment == nullptr) {
        return wrong;
    }
    if (!segment->freezable) {
        return {invalid("freezable")};
    }
    if (segment->is_frozen()) {
        return {success};
    }
    const bool is_written = std::ranges::any_of(segment->attachments, [&](const auto& one) {
        return one.first != session && one.second.writers > 0;
    });
    return {is_written ? "Busy" : "NotSealed"};
}

// The views, and the sessions themselves

Answers RightsModel::answers_to(int session, const Describe& call) const {
    if (call.segment.name.has_value() == call.segment.id.has_value()) {
        return {invalid(call.segment.name ? "id" : "name")};
    }
    const Segment* segment = find_attached(session, call.segment);
    if (segment != nullptr && has(session, *segment)) {
        return {success};
    }
    if (segment == nullptr) {
        return {no_such_segment};
    }
    if (may(session, Access::read, *segment)) {
        return segment->is_whole() ? Answers{success} : Answers{no_such_segment, success};
    }
    // Its owner knows of it, but for that may not read it either.
    return owns(session, *segment) ? Answers{no_such_segment, access_denied} : Answers{no_such_segment};
}

Answers RightsModel::answers_to(int session, const Hello& call) const {
    const bool is_own = !call.resumes || (lives(*call.resumes) && sessions_.at(*call.resumes).process ==
                                                                      sessions_.at(session).process);
    return {is_own ? success : "NotResumable"};
}

void RightsModel::done(int session, const Hello& call, const std::string& /*id*/) {
    if (call.resumes && *call.resumes != session) {
        sessions_.at(*call.resumes).user = sessions_.at(session).user; // who the process is by now
        end(session);
    }
}

} // namespace memshare::fuzz
