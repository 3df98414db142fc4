#include "client/src/connection.h"
#include "client/src/convert.h"
#include "client/src/reference.h"
#include "proto/calls.h"
#include "proto/limits.h"
#include "proto/mapping.h"
#include <memshare/segment.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace memshare {

using proto::Fd;
using proto::Mapping;

namespace {

constexpr int most_tries = 1000; // of open_or_create, against somebody who makes and ends it without pause

// The size and place of the payload come from the broker, the size of the memory from the kernel, and its
// seal says that it stays so: then no access in these bounds can ever be a SIGBUS.
Mapping map_payload(const Fd& memory, const SegmentInfo& info, Access access) {
    struct stat status{};
    if (!memory || fstat(memory.number(), &status) != 0) {
        throw Error(Errc::protocol_violation, "the broker sent no memory", info.name);
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    const int seals = fcntl(memory.number(), F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || info.payload_offset > size ||
        info.size_bytes > size - info.payload_offset || info.payload_offset % abi::cache_line != 0) {
        throw Error(Errc::protocol_violation, "the broker sent memory of the wrong size", info.name);
    }
    auto mapping = Mapping::map(memory.number(), size,
                                access == Access::write ? Mapping::Access::write : Mapping::Access::read);
    if (!mapping) {
        client::throw_error(mapping.error(), info.name);
    }
    return *std::move(mapping);
}

// Says what lies here, to tools that find the memory without the broker. Not where the payload is on pages of
// its own: to touch the header's page as well would cost a third of the whole creation.
void inscribe(std::span<std::byte> memory, const SegmentInfo& info) {
    if (info.payload_offset >= abi::page) {
        return;
    }
    const abi::Inscription inscription{.magic = abi::magic,
                                       .version = abi::version,
                                       .form = info.form,
                                       .element_kind = info.element.kind,
                                       .element_size = info.element.size,
                                       .count = info.count,
                                       .payload_offset = info.payload_offset};
    std::memcpy(memory.data(), &inscription, sizeof(inscription));
}

bool is_all_zero(std::span<const std::byte> bytes) {
    return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

Fill copying(std::span<const std::byte> initial) {
    if (initial.empty()) {
        return {};
    }
    return [initial](std::span<std::byte> elements) {
        if (initial.size() > elements.size()) {
            throw Error(Errc::invalid_argument, "the initial contents are longer than the segment");
        }
        std::ranges::copy(initial, elements.begin());
    };
}

proto::Create call_of(const Plan& plan, const CreateOptions& options) {
    proto::Create call;
    call.id = proto::SegmentId::random();
    call.form = plan.form;
    call.element = plan.element;
    call.count = plan.count;
    call.shape = options.shape;
    if (options.lifetime != Lifetime::creator) {
        call.lifetime = client::lifetime_of(options.lifetime);
    }
    call.mode = options.mode;
    call.group = options.group;
    return call;
}

} // namespace

// What is mapped, and whom to tell when it is not any more.
struct Segment::Attachment {
    std::shared_ptr<detail::Connection> connection;
    std::uint64_t session; // of the connection; in a forked child an inherited handle is nobody's
    proto::SegmentId id;
    SegmentInfo info;
    Access access{};
    Mapping mapping;

    Attachment(std::shared_ptr<detail::Connection> to, const proto::Segment& segment, Access how)
        : connection(std::move(to)),
          session(connection->session()),
          id(segment.id),
          info(client::info_of(segment)),
          access(how) {}
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;

    ~Attachment() {
        mapping.unmap();
        connection->tell(proto::Detach{.name = {}, .id = id, .access = client::access_of(access)}, session);
    }

    // By a Create or an Attach. Once the broker has answered, whatever fails here detaches again.
    template <typename Method> static std::unique_ptr<Attachment> by(const Method& call, Broker* broker,
                                                                     Access access, std::string_view words) {
        const auto& connection = (broker != nullptr ? *broker : Broker::local()).connection_;
        const auto answered = connection->call(call, std::string(words));
        auto made = std::make_unique<Attachment>(connection, answered.reply.segment, access);
        made->mapping = map_payload(answered.fd, made->info, access);
        return made;
    }

    static std::unique_ptr<Attachment> by(proto::Attach call, Access access, const Expected& expected,
                                          Broker* broker, std::string_view words) {
        call.access = client::access_of(access);
        call.form = expected.form;
        call.element = expected.element;
        call.count = expected.count;
        return by(call, broker, access, words);
    }

    std::span<std::byte> elements() const {
        return mapping.bytes().subspan(info.payload_offset, info.size_bytes);
    }
};

Segment::Segment(std::unique_ptr<Attachment> attachment) noexcept : attachment_(std::move(attachment)) {}
Segment::Segment(Segment&&) noexcept = default;
Segment& Segment::operator=(Segment&&) noexcept = default;
Segment::~Segment() = default;

Segment Segment::create(Unnamed /*unnamed*/, const Plan& plan, const Fill& fill,
                        const CreateOptions& options) {
    auto made = Attachment::by(call_of(plan, options), options.broker, Access::write, {});
    inscribe(made->mapping.bytes(), made->info);
    if (fill) {
        fill(made->elements());
    }
    return Segment(std::move(made));
}

Segment Segment::create(Unnamed /*unnamed*/, const Plan& plan, std::span<const std::byte> initial,
                        const CreateOptions& options) {
    return create(unnamed, plan, copying(initial), options);
}

Segment Segment::create(std::string_view name, const Plan& plan, const Fill& fill,
                        const CreateOptions& options) {
    const proto::SegmentName checked = client::name_of(name);
    Segment segment = create(unnamed, plan, fill, options);
    Attachment& made = *segment.attachment_;
    made.connection->call(proto::Publish{.id = made.id, .name = checked}, checked.text());
    made.info.name = name;
    return segment;
}

Segment Segment::create(std::string_view name, const Plan& plan, std::span<const std::byte> initial,
                        const CreateOptions& options) {
    const bool is_zero = is_all_zero(initial);
    if (!is_zero && initial.size() > proto::limits::initial_bytes) {
        return create(name, plan, copying(initial), options);
    }
    proto::Create call = call_of(plan, options);
    call.name = client::name_of(name);
    if (!is_zero) {
        call.initial.assign(initial.begin(), initial.end());
    }
    auto made = Attachment::by(call, options.broker, Access::write, name);
    inscribe(made->mapping.bytes(), made->info);
    return Segment(std::move(made));
}

Segment Segment::open(std::string_view name, Access access, const Expected& expected,
                      const OpenOptions& options) {
    proto::Attach call;
    call.name = client::name_of(name);
    return Segment(Attachment::by(std::move(call), access, expected, options.broker, name));
}

Segment Segment::open_by_id(std::string_view id, Access access, const Expected& expected,
                            const OpenOptions& options) {
    proto::Attach call;
    call.id = client::id_of(id);
    return Segment(Attachment::by(std::move(call), access, expected, options.broker, id));
}

Segment Segment::open_or_create(std::string_view name, const Plan& plan, std::span<const std::byte> initial,
                                const CreateOptions& options) {
    const Expected expected{.form = plan.form, .element = plan.element, .count = plan.count};
    for (int tries = 1;; ++tries) {
        try {
            return open(name, Access::write, expected, {.broker = options.broker});
        } catch (const Error& error) {
            if (error.code() != Errc::no_such_segment) {
                throw;
            }
        }
        try {
            return create(name, plan, initial, options);
        } catch (const Error& error) {
            if (error.code() != Errc::name_taken || tries == most_tries) {
                throw;
            }
        }
    }
}

const SegmentInfo& Segment::info() const noexcept { return attachment_->info; }
Access Segment::access() const noexcept { return attachment_->access; }

std::span<std::byte> Segment::payload() const noexcept {
    return attachment_ ? attachment_->elements() : std::span<std::byte>{};
}

} // namespace memshare
