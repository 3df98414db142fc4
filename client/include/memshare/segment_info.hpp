// What a broker tells about a segment.
#pragma once

#include <memshare/element.hpp>
#include <memshare/export.hpp>
#include <memshare/options.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace memshare {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

struct SegmentInfo {
    std::string id;   // a UUID
    std::string name; // empty, if it has none
    Form form{};
    Element element;
    std::uint64_t count = 0;          // 1 for a value
    std::vector<std::uint64_t> shape; // empty, if it was made without
    std::uint64_t size_bytes = 0;     // count elements
    std::uint64_t payload_offset = 0; // of the first element from the start of the memory, in bytes
    Lifetime lifetime{};
    std::uint32_t mode = 0;
    std::uint32_t uid = 0, gid = 0; // its owner, as the broker knows it
    std::int64_t creator_pid = 0;   // as the broker sees it
    std::string creator_program;
    Time created;
    std::uint64_t attachments = 0; // how many processes have it mapped
    HugePages huge_pages{};        // that it has, whatever was asked for
    bool frozen = false;           // nobody can write to it any more
    bool ended = false;            // nobody can open it any more

    // "array of 5 i32", "value of f64", "value of struct Pose (24 bytes)".
    MEMSHARE_EXPORT std::string type() const;
};

// A process that has a segment mapped.
struct AttachmentInfo {
    std::int64_t pid = 0; // as the broker sees it
    std::uint32_t uid = 0;
    std::string program;
    Access access{};
    Time since;
};

// A process with a session, as the broker sees it.
struct ProcessInfo {
    std::int64_t pid = 0;
    std::uint32_t uid = 0;
    std::string program;
};

// A process that ended while it held a lock, and when the broker passed the lock on.
struct DeadHolder {
    std::int64_t pid = 0; // as the broker saw it; by now it may be another's. 0: not known, nor is the rest
    std::uint32_t uid = 0;
    std::string program;
    Time time;
};

// What happens to segments.
enum class EventKind {
    ready,         // nothing yet: from here on everything is told
    created,       // a segment, by this process
    published,     // a name for one that had none
    changed,       // its lifetime, mode or group
    attached,      // this process has mapped it
    detached,      // this process has it mapped no more
    ended,         // nobody can open it any more
    lock_recovered // from this process, which died holding it
};

struct Event {
    EventKind kind{};
    Time time;
    std::optional<SegmentInfo> segment; // nothing only when ready; without the fields of a struct
    std::optional<ProcessInfo> process; // nothing, if a segment ended for want of processes
    std::uint64_t lost = 0;             // how many events were dropped before this one
};

// A segment's lock as it was when the broker looked.
struct LockInfo {
    std::optional<ProcessInfo> holder; // nothing: it is free
    bool waiting = false;              // somebody may be waiting for it
    std::uint64_t recoveries = 0;      // how often it was passed on from the dead
    std::optional<DeadHolder> last_recovery;
};

struct SegmentDescription {
    SegmentInfo segment;
    std::vector<AttachmentInfo> attachments; // oldest first
    LockInfo lock;
};

} // namespace memshare
