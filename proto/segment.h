// A segment, who has it and what happens to it, as the interface tells of them.
#pragma once

#include "proto/huge_pages.h"
#include "proto/process.h"
#include "proto/type.h"

namespace memshare::proto {

enum class Lifetime { creator, attached, persistent };
enum class Access { read, write };
enum class EventKind { ready, created, published, changed, attached, detached, ended, lock_recovered };

template <> struct NamesOf<Form> {
    static constexpr std::array<std::string_view, 2> names{"value", "array"};
};
template <> struct NamesOf<ElementKind> {
    static constexpr auto names = abi::kind_names;
};
template <> struct NamesOf<Lifetime> {
    static constexpr std::array<std::string_view, 3> names{"creator", "attached", "persistent"};
};
template <> struct NamesOf<Access> {
    static constexpr std::array<std::string_view, 2> names{"read", "write"};
};

template <> struct NamesOf<HugePages> {
    static constexpr std::array<std::string_view, 4> names{"no", "transparent", "size_2m", "size_1g"};
};
template <> struct NamesOf<EventKind> {
    static constexpr std::array<std::string_view, 8> names{
        "ready", "created", "published", "changed", "attached", "detached", "ended", "lock_recovered"};
};

template <> struct MembersOf<Field> {
    static constexpr auto list() {
        return std::tuple(required("name", &Field::name), required("kind", &Field::kind),
                          required("offset", &Field::offset), required("count", &Field::count));
    }
};
template <> struct MembersOf<Element> {
    static constexpr auto list() {
        return std::tuple(required("kind", &Element::kind), optional("size", &Element::size),
                          optional("alignment", &Element::alignment), optional("name", &Element::name),
                          optional("fields", &Element::fields));
    }
};

struct Creator {
    std::int64_t pid = 0;
    std::string program;
    static constexpr auto members() {
        return std::tuple(required("pid", &Creator::pid), required("program", &Creator::program));
    }
};

struct Segment {
    SegmentId id;
    std::optional<SegmentName> name;
    Form form{};
    Element element;
    std::uint64_t count = 0;
    std::vector<std::uint64_t> shape;
    std::uint64_t size_bytes = 0;
    std::uint64_t payload_offset = 0;
    Lifetime lifetime{};
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    Creator creator;
    std::uint64_t created_usec = 0;
    std::uint64_t attachments = 0;
    HugePages huge_pages{};
    bool frozen = false;
    bool ended = false;

    static constexpr auto members() {
        return std::tuple(
            required("id", &Segment::id), optional("name", &Segment::name), required("form", &Segment::form),
            required("element", &Segment::element), required("count", &Segment::count),
            optional("shape", &Segment::shape), required("sizeBytes", &Segment::size_bytes),
            required("payloadOffset", &Segment::payload_offset), required("lifetime", &Segment::lifetime),
            required("mode", &Segment::mode), required("uid", &Segment::uid), required("gid", &Segment::gid),
            required("creator", &Segment::creator), required("createdUSec", &Segment::created_usec),
            required("attachments", &Segment::attachments), optional("hugePages", &Segment::huge_pages),
            required("frozen", &Segment::frozen), optional("ended", &Segment::ended));
    }
};

struct Attachment {
    std::int64_t pid = 0;
    std::uint32_t uid = 0;
    std::string program;
    Access access{};
    std::uint64_t since_usec = 0;
    static constexpr auto members() {
        return std::tuple(required("pid", &Attachment::pid), required("uid", &Attachment::uid),
                          required("program", &Attachment::program), required("access", &Attachment::access),
                          required("sinceUSec", &Attachment::since_usec));
    }
};

struct Lock {
    std::optional<Process> holder;
    bool waiting = false;
    std::uint64_t recoveries = 0;
    std::optional<DeadHolder> last_recovery;
    static constexpr auto members() {
        return std::tuple(optional("holder", &Lock::holder), required("waiting", &Lock::waiting),
                          required("recoveries", &Lock::recoveries),
                          optional("lastRecovery", &Lock::last_recovery));
    }
};

struct Event {
    EventKind kind{};
    std::uint64_t time_usec = 0;
    std::optional<Segment> segment;
    std::optional<Process> process;
    std::uint64_t lost = 0;
    static constexpr auto members() {
        return std::tuple(required("kind", &Event::kind), required("timeUSec", &Event::time_usec),
                          optional("segment", &Event::segment), optional("process", &Event::process),
                          optional("lost", &Event::lost));
    }
};

} // namespace memshare::proto
