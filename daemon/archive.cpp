#include "daemon/archive.h"

#include "daemon/records.h"
#include "proto/limits.h"

#include <algorithm>
#include <map>
#include <unordered_set>

namespace memshare::daemon {

using proto::Fd;
using proto::Result;

namespace {

Vault::Valuable valuable(const std::shared_ptr<Memory>& memory) {
    return {.fd = memory->writable(), .owner = memory, .bytes = memory->size()};
}

Vault::Valuable valuable(const std::shared_ptr<const Fd>& process) {
    return {.fd = process->number(), .owner = process, .bytes = 0};
}

// Of a process's groups, as the ledger's records have a bound. Nobody has so many for their rights' sake.
constexpr std::size_t most_groups = 32768;

// What one process has left for the next, by what it is.
class Restoration {
  public:
    Restoration(Registry& registry, Quota& quota, Vault& vault, const Tell& tell)
        : registry_(registry), quota_(quota), vault_(vault), tell_(tell) {}

    // Those records that cannot be read are left in `all`.
    Result<Archive::Restored> restore(std::vector<Ledger::Found>& all, HolderId last_holder) {
        auto sessions = read<SessionRecord>(all);
        auto progress = read<ProgressRecord>(all);
        auto segments = read<SegmentRecord>(all);
        auto attachments = read<AttachmentRecord>(all);
        std::unordered_set<std::uint32_t> numbers;
        std::ranges::for_each(sessions, [&](const auto& one) { numbers.insert(one.is.descriptor); });
        std::ranges::for_each(segments, [&](const auto& one) { numbers.insert(one.is.descriptor); });
        if (const auto fetched = vault_.fetch(numbers); !fetched) {
            return std::unexpected(fetched.error());
        }
        const auto take_one = [this](auto& one) { take(one.is, one.record); };
        std::ranges::for_each(sessions, take_one);
        std::ranges::for_each(progress, take_one);
        std::ranges::for_each(segments, take_one);
        std::ranges::for_each(attachments, take_one);
        registry_.restored(last_holder);
        vault_.drop_the_rest();
        return std::move(restored_);
    }

  private:
    template <typename Of> struct Kept {
        Of is;
        Record record;
    };

    // What is not of this kind, or cannot be read as such, stays where it is.
    template <typename Of> std::vector<Kept<Of>> read(std::vector<Ledger::Found>& all) {
        std::vector<Kept<Of>> kept;
        for (Ledger::Found& found : all) {
            if (found.kind != Of::kind) {
                continue;
            }
            const auto json = document_.parse(found.text, found.text.size());
            auto what = json ? proto::read_json<Of>(*json, proto::Strangers::ignore)
                             : std::unexpected(proto::WrongPart("all"));
            if (what) {
                kept.push_back({*std::move(what), std::move(found.record)});
            } else {
                lost("a record, as its " + what.error() + " is wrong: " + std::string(found.text));
            }
        }
        return kept;
    }

    void lost(const std::string& what, std::string segment = {}, std::optional<proto::Process> process = {}) {
        tell_({.event = Report::Event::record_lost,
               .sentence = "of what was kept this is lost: " + what,
               .segment = std::move(segment),
               .process = std::move(process)});
    }

    void take(SessionRecord& is, Record& record) {
        auto process = std::make_shared<const Fd>(vault_.take(is.descriptor));
        if (!*process) {
            lost("a session, as its process is not in the vault", {},
                 proto::Process{.pid = is.pid, .uid = is.caller.uid, .program = std::move(is.program)});
            return;
        }
        auto session = std::make_unique<Session>();
        session->holder = is.holder;
        session->token = std::move(is.token);
        session->pid = is.pid;
        session->process_inode = is.process_inode;
        session->process_fd = process;
        session->program = std::move(is.program);
        session->charge = quota_.charge_anyway(
            is.caller.uid,
            {{Resource::sessions, 1}, {Resource::descriptors, proto::limits::descriptors_per_session}});
        session->groups_charge = quota_.charge_anyway(
            is.caller.uid, {{Resource::description_bytes, description_bytes(is.caller.groups)}});
        session->caller = std::move(is.caller);
        session->record = std::move(record);
        session->deposit = vault_.put_back(is.descriptor, valuable(process));
        if (is.ended) {
            restored_.ended.push_back(is.holder);
        }
        registry_.restore(std::move(session));
    }

    void take(const ProgressRecord& is, Record& record) {
        if (Session* session = registry_.find_session(is.holder)) {
            session->last_serial = is.last_serial;
            session->last_digest = is.last_digest;
            session->last_attach_serial = is.last_attach_serial;
            session->last_attached = is.last_attached;
            session->progress = std::move(record);
        }
    }

    void take(SegmentRecord& is, Record& record) {
        Fd fd = vault_.take(is.descriptor);
        auto adopted = fd ? Memory::adopt(std::move(fd), is.is.huge_pages)
                          : proto::system_error("find it in the vault", ENOENT);
        if (!adopted) {
            lost("a segment: cannot " + adopted.error().sentence(),
                 is.is.name ? is.is.name->text() : is.is.id.text());
            return;
        }
        auto memory = std::make_shared<Memory>(*std::move(adopted));
        auto charges = charges_for_restored(is, memory->size());
        auto segment =
            std::make_unique<Segment>(Segment{.is = std::move(is.is),
                                              .memory = memory,
                                              .creator_pid = is.creator_pid,
                                              .creator_program = std::move(is.creator_program),
                                              .creator = is.creator,
                                              .age = is.age,
                                              .ended = is.ended,
                                              .recoveries = is.recoveries,
                                              .last_recovery = std::move(is.last_recovery),
                                              .charge = std::move(charges.segment),
                                              .name_charge = std::move(charges.name),
                                              .descriptor_charge = std::move(charges.descriptor),
                                              .reading_charge = {},
                                              .record = std::move(record),
                                              .deposit = vault_.put_back(is.descriptor, valuable(memory)),
                                              .attached = {},
                                              .initial_bytes = is.initial_bytes});
        by_age_.emplace(is.age, &registry_.restore(std::move(segment)));
    }

    Charges charges_for_restored(const SegmentRecord& is, std::uint64_t bytes) {
        const std::uint32_t uid = is.is.rights.uid;
        const bool is_named = is.is.name && !is.ended;
        return {.segment = quota_.charge_anyway(
                    uid, {{Resource::segments, 1},
                          {Resource::bytes, bytes},
                          {Resource::description_bytes, description_bytes(is.is.type.element.fields)},
                          {Resource::initial_bytes, is.initial_bytes}}),
                .name = is_named ? quota_.charge_anyway(uid, {{Resource::names, 1}}) : Charge(),
                .descriptor = quota_.charge_anyway(
                    uid, {{Resource::descriptors, proto::limits::descriptors_per_segment}}),
                .attachment = {}};
    }

    void take(const AttachmentRecord& is, Record& record) {
        const auto segment = by_age_.find(is.segment);
        if (segment == by_age_.end()) {
            return;
        }
        if (is.readers + is.writers == 0) {
            restored_.held.push_back({.remains = segment->second->remains(),
                                      .owner = segment->second->is.rights.uid,
                                      .holder = is.holder,
                                      .record = std::move(record)});
            return;
        }
        Session* const session = registry_.find_session(is.holder);
        if (session == nullptr) {
            return;
        }
        Registry::restore(*session, *segment->second,
                          {.readers = is.readers,
                           .writers = is.writers,
                           .waits = is.waits,
                           .since_usec = is.since_usec,
                           .charge = quota_.charge_anyway(session->caller.uid, {{Resource::attachments, 1}}),
                           .record = std::move(record)});
    }

    Registry& registry_;
    Quota& quota_;
    Vault& vault_;
    const Tell& tell_;
    proto::JsonDocument document_;
    std::map<std::uint64_t, Segment*> by_age_;
    Archive::Restored restored_;
};

} // namespace

Result<Archive::Restored> Archive::restore(Registry& registry, Quota& quota, const Tell& tell) {
    if (!keeps()) {
        return Restored{};
    }
    auto all = ledger_->take_all();
    auto restored =
        Restoration(registry, quota, *vault_, tell).restore(all, static_cast<HolderId>(ledger_->number()));
    for (Ledger::Found& found : all) {
        if (found.record) { // a newer version may know what it says
            unread_.push_back(std::move(found.record));
        }
    }
    if (restored) {
        commit();
    }
    return restored;
}

Result<Deposit> Archive::deposit(const std::shared_ptr<Memory>& memory) {
    return keeps() ? vault_->put(valuable(memory)) : Deposit();
}

Result<Deposit> Archive::deposit(const std::shared_ptr<const Fd>& process) {
    return keeps() ? vault_->put(valuable(process)) : Deposit();
}

template <typename Of> void Archive::write(Record& record, const Of& what) {
    text_.clear();
    proto::JsonWriter to(text_);
    proto::write_json(to, what);
    ledger_->write(record, Of::kind, text_);
}

void Archive::write(Session& session, bool ended) {
    Caller caller = session.caller;
    if (const auto all = caller.groups.all(); all.size() > most_groups) {
        caller.groups = Groups({all.begin(), all.begin() + most_groups});
    }
    write(session.record, SessionRecord{.holder = session.holder,
                                        .token = session.token,
                                        .caller = std::move(caller),
                                        .pid = session.pid,
                                        .process_inode = session.process_inode,
                                        .program = session.program,
                                        .descriptor = session.deposit.number(),
                                        .ended = ended});
}

void Archive::keep(Session& session) {
    if (keeps()) {
        if (!session.record) {
            ledger_->set_number(session.holder);
        }
        write(session, /*ended=*/false);
    }
}

void Archive::keep_the_end_of(Session& session) {
    if (keeps()) {
        write(session, /*ended=*/true);
    }
}

void Archive::keep_progress(Session& session) {
    if (keeps()) {
        write(session.progress, ProgressRecord{.holder = session.holder,
                                               .last_serial = session.last_serial,
                                               .last_digest = session.last_digest,
                                               .last_attach_serial = session.last_attach_serial,
                                               .last_attached = session.last_attached});
    }
}

void Archive::keep(Segment& segment) {
    if (keeps()) {
        write(segment.record, SegmentRecord{.is = segment.blueprint(),
                                            .age = segment.age,
                                            .creator = segment.creator,
                                            .creator_pid = segment.creator_pid,
                                            .creator_program = segment.creator_program,
                                            .descriptor = segment.deposit.number(),
                                            .ended = segment.ended,
                                            .recoveries = segment.recoveries,
                                            .last_recovery = segment.last_recovery,
                                            .initial_bytes = segment.initial_bytes});
    }
}

void Archive::keep(const Session& session, const Segment& segment, Attachment& attachment) {
    if (keeps()) {
        write(attachment.record, AttachmentRecord{.holder = session.holder,
                                                  .segment = segment.age,
                                                  .readers = attachment.readers,
                                                  .writers = attachment.writers,
                                                  .waits = attachment.waits,
                                                  .since_usec = attachment.since_usec});
    }
}

void Archive::commit() {
    if (keeps()) {
        ledger_->commit();
    }
}

} // namespace memshare::daemon
