// The methods of the interface, with their parameters and replies, as io.memshare.Broker.varlink states them.
#pragma once

#include "proto/segment.h"

namespace memshare::proto {

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
    std::string inherited_from; // a session's token
    bool waits = false;
    std::optional<std::uint64_t> serial;
    static constexpr auto members() {
        return std::tuple(optional("name", &Attach::name), optional("id", &Attach::id),
                          required("access", &Attach::access), optional("form", &Attach::form),
                          optional("element", &Attach::element), optional("count", &Attach::count),
                          optional("mapped", &Attach::mapped),
                          optional("inheritedFrom", &Attach::inherited_from),
                          optional("waits", &Attach::waits), optional("serial", &Attach::serial));
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
    std::uint64_t longest_step_usec = 0, steps_over_5_ms = 0; // an older broker leaves them out
    static constexpr auto members() {
        return std::tuple(
            required("calls", &Counters::calls), required("refusals", &Counters::refusals),
            required("sessions", &Counters::sessions), required("segments", &Counters::segments),
            required("attachments", &Counters::attachments), required("recoveries", &Counters::recoveries),
            required("eventsLost", &Counters::events_lost),
            optional("longestStepUSec", &Counters::longest_step_usec),
            optional("stepsOver5Ms", &Counters::steps_over_5_ms));
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

// What every Varlink service answers.

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
