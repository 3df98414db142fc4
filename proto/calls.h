// The methods of the interface, with their parameters and replies, as io.memshare.Broker.varlink states them.
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

struct Nothing {
    static constexpr auto members() { return std::tuple(); }
};

// How a call says which segment it means: by exactly one of the two.
struct SegmentReference {
    std::optional<SegmentName> name;
    std::optional<SegmentId> id;
    std::string words() const { return name ? name->text() : id ? id->text() : ""; }
};

struct Hello {
    static constexpr std::string_view method = "io.memshare.Broker.Hello";
    std::string resume_token, program;
    static constexpr auto members() {
        return std::tuple(optional("resumeToken", &Hello::resume_token),
                          optional("program", &Hello::program));
    }
    struct Reply {
        std::uint32_t holder = 0;
        std::string token, version;
        static constexpr auto members() {
            return std::tuple(required("holder", &Reply::holder), required("token", &Reply::token),
                              required("version", &Reply::version));
        }
    };
};

struct Goodbye : Nothing {
    static constexpr std::string_view method = "io.memshare.Broker.Goodbye";
    using Reply = Nothing;
};

// The descriptor of the memory lies beside this.
struct MemoryReply {
    Segment segment;
    std::uint32_t memory_file_descriptor = 0; // its index among the descriptors of the message
    static constexpr auto members() {
        return std::tuple(required("segment", &MemoryReply::segment),
                          required("memoryFileDescriptor", &MemoryReply::memory_file_descriptor));
    }
};

struct Create {
    static constexpr std::string_view method = "io.memshare.Broker.Create";
    std::optional<SegmentId> id;
    std::optional<SegmentName> name;
    Form form{};
    Element element;
    std::optional<std::uint64_t> count;
    std::vector<std::uint64_t> shape;
    std::optional<Lifetime> lifetime;
    std::optional<std::uint32_t> mode;
    std::optional<std::uint32_t> group;
    HugePages huge_pages{};
    bool freezable = false;
    bool exclusive_writer = false;
    std::vector<std::byte> initial;
    static constexpr auto members() {
        return std::tuple(
            optional("id", &Create::id), optional("name", &Create::name), required("form", &Create::form),
            required("element", &Create::element), optional("count", &Create::count),
            optional("shape", &Create::shape), optional("lifetime", &Create::lifetime),
            optional("mode", &Create::mode), optional("group", &Create::group),
            optional("hugePages", &Create::huge_pages), optional("freezable", &Create::freezable),
            optional("exclusiveWriter", &Create::exclusive_writer), optional("initial", &Create::initial));
    }
    using Reply = MemoryReply;
};

struct Attach {
    static constexpr std::string_view method = "io.memshare.Broker.Attach";
    std::optional<SegmentName> name;
    std::optional<SegmentId> id;
    Access access{};
    std::optional<Form> form;
    std::optional<Element> element;
    std::optional<std::uint64_t> count;
    bool mapped = false;
    bool waits = false;
    std::optional<std::uint64_t> serial;
    static constexpr auto members() {
        return std::tuple(optional("name", &Attach::name), optional("id", &Attach::id),
                          required("access", &Attach::access), optional("form", &Attach::form),
                          optional("element", &Attach::element), optional("count", &Attach::count),
                          optional("mapped", &Attach::mapped), optional("waits", &Attach::waits),
                          optional("serial", &Attach::serial));
    }
    using Reply = MemoryReply;
};

struct Publish {
    static constexpr std::string_view method = "io.memshare.Broker.Publish";
    std::optional<SegmentId> id;
    std::optional<SegmentName> name;
    static constexpr auto members() {
        return std::tuple(required("id", &Publish::id), required("name", &Publish::name));
    }
    using Reply = Nothing;
};

struct Detach {
    static constexpr std::string_view method = "io.memshare.Broker.Detach";
    std::optional<SegmentName> name;
    std::optional<SegmentId> id;
    std::optional<Access> access;
    std::optional<std::uint64_t> serial, attached;
    static constexpr auto members() {
        return std::tuple(optional("name", &Detach::name), optional("id", &Detach::id),
                          optional("access", &Detach::access), optional("serial", &Detach::serial),
                          optional("attached", &Detach::attached));
    }
    using Reply = Nothing;
};

struct Destroy {
    static constexpr std::string_view method = "io.memshare.Broker.Destroy";
    std::optional<SegmentName> name;
    std::optional<SegmentId> id;
    static constexpr auto members() {
        return std::tuple(optional("name", &Destroy::name), optional("id", &Destroy::id));
    }
    using Reply = Nothing;
};

struct Change {
    static constexpr std::string_view method = "io.memshare.Broker.Change";
    std::optional<SegmentName> name;
    std::optional<SegmentId> id;
    std::optional<Lifetime> lifetime;
    std::optional<std::uint32_t> mode, group;
    static constexpr auto members() {
        return std::tuple(optional("name", &Change::name), optional("id", &Change::id),
                          optional("lifetime", &Change::lifetime), optional("mode", &Change::mode),
                          optional("group", &Change::group));
    }
    using Reply = Nothing;
};

struct Freeze {
    static constexpr std::string_view method = "io.memshare.Broker.Freeze";
    std::optional<SegmentName> name;
    std::optional<SegmentId> id;
    static constexpr auto members() {
        return std::tuple(optional("name", &Freeze::name), optional("id", &Freeze::id));
    }
    using Reply = Nothing;
};

struct Describe {
    static constexpr std::string_view method = "io.memshare.Broker.Describe";
    std::optional<SegmentName> name;
    std::optional<SegmentId> id;
    static constexpr auto members() {
        return std::tuple(optional("name", &Describe::name), optional("id", &Describe::id));
    }
    struct Reply {
        Segment segment;
        std::vector<Attachment> attachments;
        Lock lock;
        static constexpr auto members() {
            return std::tuple(required("segment", &Reply::segment),
                              required("attachments", &Reply::attachments), required("lock", &Reply::lock));
        }
    };
};

struct List {
    static constexpr std::string_view method = "io.memshare.Broker.List";
    std::string pattern;
    std::optional<std::uint32_t> uid;
    static constexpr auto members() {
        return std::tuple(optional("pattern", &List::pattern), optional("uid", &List::uid));
    }
    struct Reply {
        std::vector<Segment> segments;
        static constexpr auto members() { return std::tuple(required("segments", &Reply::segments)); }
    };
};

struct Watch {
    static constexpr std::string_view method = "io.memshare.Broker.Watch";
    std::string pattern;
    std::optional<std::uint32_t> uid;
    static constexpr auto members() {
        return std::tuple(optional("pattern", &Watch::pattern), optional("uid", &Watch::uid));
    }
    struct Reply {
        Event event;
        static constexpr auto members() { return std::tuple(required("event", &Reply::event)); }
    };
};

// What every Varlink service answers.

// How much of a resource is used, and how much may be.
struct Usage {
    std::string resource;
    std::uint64_t used = 0, limit = 0;
    static constexpr auto members() {
        return std::tuple(required("resource", &Usage::resource), required("used", &Usage::used),
                          required("limit", &Usage::limit));
    }
};

struct UserUsage {
    std::uint32_t uid = 0;
    std::vector<Usage> usage;
    static constexpr auto members() {
        return std::tuple(required("uid", &UserUsage::uid), required("usage", &UserUsage::usage));
    }
};

struct Counters {
    std::uint64_t calls = 0, refusals = 0, sessions = 0, segments = 0, attachments = 0, recoveries = 0,
                  events_lost = 0;
    static constexpr auto members() {
        return std::tuple(
            required("calls", &Counters::calls), required("refusals", &Counters::refusals),
            required("sessions", &Counters::sessions), required("segments", &Counters::segments),
            required("attachments", &Counters::attachments), required("recoveries", &Counters::recoveries),
            required("eventsLost", &Counters::events_lost));
    }
};

struct Statistics : Nothing {
    static constexpr std::string_view method = "io.memshare.Broker.Statistics";
    struct Reply {
        std::int64_t pid = 0;
        std::uint64_t started_usec = 0;
        std::vector<UserUsage> users;
        std::vector<Usage> total;
        Counters counters;
        static constexpr auto members() {
            return std::tuple(required("pid", &Reply::pid), required("startedUSec", &Reply::started_usec),
                              required("users", &Reply::users), required("total", &Reply::total),
                              required("counters", &Reply::counters));
        }
    };
};

struct GetInfo : Nothing {
    static constexpr std::string_view method = "org.varlink.service.GetInfo";
    struct Reply {
        std::string vendor, product, version, url;
        std::vector<std::string> interfaces;
        static constexpr auto members() {
            return std::tuple(required("vendor", &Reply::vendor), required("product", &Reply::product),
                              required("version", &Reply::version), required("url", &Reply::url),
                              required("interfaces", &Reply::interfaces));
        }
    };
};

struct GetInterfaceDescription {
    static constexpr std::string_view method = "org.varlink.service.GetInterfaceDescription";
    std::string interface;
    static constexpr auto members() {
        return std::tuple(required("interface", &GetInterfaceDescription::interface));
    }
    struct Reply {
        std::string description;
        static constexpr auto members() { return std::tuple(required("description", &Reply::description)); }
    };
};

// All of them. A service that has no handler for one of these does not compile.
template <typename...> struct MethodList {};
using Methods = MethodList<Create, Attach, Detach, Publish, Destroy, Change, Freeze, Describe, List, Watch,
                           Statistics, Hello, Goodbye, GetInfo, GetInterfaceDescription>;

} // namespace memshare::proto
