// What the ledger says of sessions, segments and attachments: plain structs, written as JSON, so that another
// version reads what it knows.
#pragma once

#include "daemon/registry.h"

namespace memshare::proto {

template <> struct MembersOf<Type> {
    static constexpr auto list() {
        return std::tuple(required("form", &Type::form), required("element", &Type::element),
                          required("count", &Type::count), optional("shape", &Type::shape));
    }
};

template <> struct Json<daemon::Groups> {
    static bool read(daemon::Groups& into, JsonValue from, Reading& reading) {
        std::vector<std::uint32_t> all;
        const bool is_there = Json<std::vector<std::uint32_t>>::read(all, from, reading);
        into = daemon::Groups(std::move(all));
        return is_there;
    }
    static void write(JsonWriter& to, const daemon::Groups& groups) {
        Json<std::vector<std::uint32_t>>::write(to, {groups.all().begin(), groups.all().end()});
    }
};

template <> struct MembersOf<daemon::Rights> {
    static constexpr auto list() {
        using daemon::Rights;
        return std::tuple(required("uid", &Rights::uid), required("gid", &Rights::gid),
                          required("mode", &Rights::mode));
    }
};

template <> struct MembersOf<daemon::Caller> {
    static constexpr auto list() {
        using daemon::Caller;
        return std::tuple(required("uid", &Caller::uid), required("gid", &Caller::gid),
                          optional("groups", &Caller::groups));
    }
};

template <> struct MembersOf<daemon::Blueprint> {
    static constexpr auto list() {
        using daemon::Blueprint;
        return std::tuple(
            required("id", &Blueprint::id), optional("name", &Blueprint::name),
            required("type", &Blueprint::type), required("lifetime", &Blueprint::lifetime),
            required("rights", &Blueprint::rights), required("createdUSec", &Blueprint::created_usec),
            optional("freezable", &Blueprint::freezable),
            optional("exclusiveWriter", &Blueprint::exclusive_writer),
            optional("hugePages", &Blueprint::huge_pages), optional("digest", &Blueprint::digest));
    }
};

} // namespace memshare::proto

namespace memshare::daemon {

using proto::optional;
using proto::required;

// Who a session is. Its descriptor in the vault is the process's.
struct SessionRecord {
    static constexpr std::uint32_t kind = 1;
    HolderId holder = 0;
    std::string token;
    Caller caller;
    std::int64_t pid = 0;
    std::uint64_t process_inode = 0;
    std::string program;
    std::uint32_t descriptor = 0;
    bool ended = false; // but for what it has left

    static constexpr auto members() {
        using Self = SessionRecord;
        return std::tuple(required("holder", &Self::holder), required("token", &Self::token),
                          required("caller", &Self::caller), required("pid", &Self::pid),
                          required("processInode", &Self::process_inode), required("program", &Self::program),
                          required("descriptor", &Self::descriptor), optional("ended", &Self::ended));
    }
};

// How far its numbered calls are.
struct ProgressRecord {
    static constexpr std::uint32_t kind = 2;
    HolderId holder = 0;
    std::uint64_t last_serial = 0;
    std::uint64_t last_digest = 0;
    std::uint64_t last_attach_serial = 0;
    proto::SegmentId last_attached;

    static constexpr auto members() {
        using Self = ProgressRecord;
        return std::tuple(required("holder", &Self::holder), required("lastSerial", &Self::last_serial),
                          optional("lastDigest", &Self::last_digest),
                          required("lastAttachSerial", &Self::last_attach_serial),
                          required("lastAttached", &Self::last_attached));
    }
};

// A segment. Its descriptor in the vault is the memory's, whose seals say whether it is frozen.
struct SegmentRecord {
    static constexpr std::uint32_t kind = 3;
    Blueprint is;
    std::uint64_t age = 0;
    HolderId creator = 0;
    std::int64_t creator_pid = 0;
    std::string creator_program;
    std::uint32_t descriptor = 0;
    bool ended = false;
    std::uint64_t recoveries = 0;
    std::optional<proto::DeadHolder> last_recovery;
    std::uint64_t initial_bytes = 0;

    static constexpr auto members() {
        using Self = SegmentRecord;
        return std::tuple(
            required("is", &Self::is), required("age", &Self::age), required("creator", &Self::creator),
            required("creatorPid", &Self::creator_pid), required("creatorProgram", &Self::creator_program),
            required("descriptor", &Self::descriptor), optional("ended", &Self::ended),
            optional("recoveries", &Self::recoveries), optional("lastRecovery", &Self::last_recovery),
            optional("initialBytes", &Self::initial_bytes));
    }
};

// That a session has a segment attached. With no handles left, it may still hold the lock.
struct AttachmentRecord {
    static constexpr std::uint32_t kind = 4;
    HolderId holder = 0;
    std::uint64_t segment = 0; // its age
    std::uint32_t readers = 0, writers = 0;
    bool waits = false;
    std::uint64_t since_usec = 0;

    static constexpr auto members() {
        using Self = AttachmentRecord;
        return std::tuple(required("holder", &Self::holder), required("segment", &Self::segment),
                          optional("readers", &Self::readers), optional("writers", &Self::writers),
                          optional("waits", &Self::waits), required("sinceUSec", &Self::since_usec));
    }
};

} // namespace memshare::daemon
