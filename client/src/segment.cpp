#include "client/src/attachment.h"
#include "client/src/convert.h"
#include "client/src/reference.h"
#include "proto/limits.h"
#include <memshare/at_once.hpp>
#include <memshare/segment.hpp>
#include <memshare/two_slots.hpp>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

namespace memshare {

using detail::Attachment;

namespace {

constexpr int most_tries = 1000; // of open_or_create, against somebody who makes and ends it without pause

std::string words_of(const SegmentInfo& info) {
    std::string words = info.type();
    for (std::size_t at = 0; at < info.shape.size(); ++at) {
        words += (at == 0 ? " of shape " : "x") + std::to_string(info.shape[at]);
    }
    return info.shape.empty() ? words + " without a shape" : words;
}

// A shape that is left out may be any.
void expect_shape(const SegmentInfo& found, const std::vector<std::uint64_t>& shape) {
    if (!shape.empty() && shape != found.shape) {
        SegmentInfo expected = found;
        expected.shape = shape;
        client::throw_refusal(
            proto::TypeMismatch{
                .name = found.name, .expected = words_of(expected), .actual = words_of(found)},
            found.name);
    }
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
    call.form = plan.form;
    call.element = plan.element;
    call.count = plan.count;
    call.shape = options.shape;
    if (options.lifetime != Lifetime::creator) {
        call.lifetime = client::lifetime_of(options.lifetime);
    }
    call.mode = options.mode;
    call.group = options.group;
    call.freezable = options.freezable;
    call.exclusive_writer = options.exclusive_writer;
    call.huge_pages = client::huge_pages_of(options.huge_pages);
    return call;
}

// Of its header and its payload, before the broker rounds it up; 0, if there can be no such segment.
std::uint64_t size_of(const proto::Create& planned) {
    proto::Type type{
        .form = planned.form, .element = planned.element, .count = planned.count.value_or(1), .shape = {}};
    if (type.complete()) {
        return 0;
    }
    const std::uint64_t payload = abi::payload_size(type.form, type.element.size, type.count);
    return abi::payload_offset(type.form, payload) + payload;
}

proto::Attach call_of(Access access, const Expected& expected) {
    proto::Attach call;
    call.access = client::access_of(access);
    call.form = expected.form;
    call.element = expected.element;
    call.count = expected.count;
    return call;
}

} // namespace

Segment::Segment(std::shared_ptr<detail::Attachment> attachment) noexcept
    : attachment_(std::move(attachment)) {}
Segment::Segment(Segment&&) noexcept = default;
Segment& Segment::operator=(Segment&&) noexcept = default;
Segment::~Segment() = default;

const std::shared_ptr<detail::Connection>& Segment::connection_of(Broker* broker) {
    return (broker != nullptr ? *broker : Broker::local()).connection_;
}

Segment Segment::create(Unnamed /*unnamed*/, const Plan& plan, const Fill& fill,
                        const CreateOptions& options) {
    proto::Create call = call_of(plan, options);
    call.id = proto::SegmentId::random();
    if (options.reserve && options.huge_pages == HugePages::no) {
        client::expect_room_for(size_of(call));
    }
    Segment made(Attachment::by(call, connection_of(options.broker), Access::write, {}, options.reserve));
    inscribe(made.attachment_->memory(), made.info());
    if (options.exclusive_writer) { // readers cannot ask it to tell changes, so it tells all
        made.header().change.watchers.store(1);
    }
    if (fill) {
        fill(made.payload());
    }
    return made;
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
    made.connection().call(proto::Publish{.id = made.id(), .name = checked}, checked.text());
    made.set_name(checked.text());
    return segment;
}

Segment Segment::create(std::string_view name, const Plan& plan, std::span<const std::byte> initial,
                        const CreateOptions& options) {
    const bool is_zero = is_all_zero(initial);
    if ((!is_zero && initial.size() > proto::limits::initial_bytes) || options.exclusive_writer ||
        options.reserve || options.huge_pages != HugePages::no) {
        return create(name, plan, copying(initial), options); // named when it is filled, mapped, reserved
    }
    proto::Create call = call_of(plan, options);
    call.id = proto::SegmentId::random();
    call.name = client::name_of(name);
    if (!is_zero) {
        call.initial.assign(initial.begin(), initial.end());
    }
    Segment made(Attachment::by(call, connection_of(options.broker), Access::write, call.name->text()));
    inscribe(made.attachment_->memory(), made.info());
    return made;
}

Segment Segment::create_alone(const Plan& plan, std::span<const std::byte> initial,
                              const CreateOptions& options) {
    if (options.reserve || options.exclusive_writer || options.huge_pages != HugePages::no) {
        throw Error(Errc::invalid_argument, "what is one process's alone has ordinary memory");
    }
    Segment made(Attachment::alone(call_of(plan, options), connection_of(options.broker)));
    inscribe(made.attachment_->memory(), made.info());
    if (const Fill fill = copying(initial)) {
        fill(made.payload());
    }
    return made;
}

void Segment::attach_again() { attachment_->attach_again(); }
void Segment::share() { attachment_->share(); }
bool Segment::is_shared() const noexcept { return attachment_->is_shared(); }

Segment Segment::open(std::string_view name, Access access, const Expected& expected,
                      const OpenOptions& options) {
    proto::Attach call = call_of(access, expected);
    call.name = client::name_of(name);
    return Segment(Attachment::by(call, connection_of(options.broker), access, name));
}

Segment Segment::open_by_id(std::string_view id, Access access, const Expected& expected,
                            const OpenOptions& options) {
    proto::Attach call = call_of(access, expected);
    call.id = client::id_of(id);
    return Segment(Attachment::by(call, connection_of(options.broker), access, id));
}

Segment Segment::open_or_create(std::string_view name, const Plan& plan, std::span<const std::byte> initial,
                                const CreateOptions& options) {
    const Expected expected{.form = plan.form, .element = plan.element, .count = plan.count};
    for (int tries = 1;; ++tries) {
        try {
            Segment found = open(name, Access::write, expected, {.broker = options.broker});
            expect_shape(found.info(), options.shape);
            return found;
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

const SegmentInfo& Segment::info() const noexcept { return attachment_->info(); }
bool Segment::alive() const { return attachment_->alive(); }
Access Segment::access() const noexcept { return attachment_->access(); }

std::span<std::byte> Segment::payload() const noexcept {
    return attachment_ ? attachment_->elements() : std::span<std::byte>{};
}

namespace {

// Calls with a T of so many bytes, or with nothing, if they cannot be stored at once.
void with_bits(std::size_t size, auto call, auto otherwise) {
    switch (size) {
        case 1:
            return call(std::uint8_t{});
        case 2:
            return call(std::uint16_t{});
        case 4:
            return call(std::uint32_t{});
        case 8:
            return call(std::uint64_t{});
        default:
            return otherwise();
    }
}

void expect_value(const SegmentInfo& info, std::size_t size) {
    if (info.form != Form::value || info.size_bytes != size) {
        throw std::invalid_argument("memshare: these are " + std::to_string(size) + " bytes and no " +
                                    info.type());
    }
}

detail::TwoSlots<> slots_of(Attachment& attachment) {
    return {attachment.header().change.version, attachment.elements().data(), attachment.info().size_bytes};
}

} // namespace

void Segment::load(std::span<std::byte> to) const {
    expect_value(info(), to.size());
    with_bits(
        to.size(),
        [&]<typename Bits>(Bits /*type*/) {
            const Bits bits = detail::AtOnce<Bits>(payload().data()).load();
            std::memcpy(to.data(), &bits, sizeof(bits));
        },
        [&] { slots_of(*attachment_).load(to.data()); });
}

void Segment::store(std::span<const std::byte> from) {
    expect_value(info(), from.size());
    with_bits(
        from.size(),
        [&]<typename Bits>(Bits bits) {
            std::memcpy(&bits, from.data(), sizeof(bits));
            detail::AtOnce<Bits>(payload().data()).store(bits);
            changes().announce();
        },
        [&] {
            {
                const std::scoped_lock lock(mutex());
                slots_of(*attachment_).publish(from.data());
            }
            changes().announce();
        });
}

Mutex& Segment::mutex() const noexcept { return attachment_->mutex(); }
Changes Segment::changes() const noexcept { return attachment_->changes(); }
abi::Header& Segment::header() const noexcept { return attachment_->header(); }

void Segment::freeze() { attachment_->freeze(); }

} // namespace memshare
