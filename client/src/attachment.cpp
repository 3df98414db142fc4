#include "client/src/attachment.h"

#include "client/src/convert.h"
#include "client/src/spare_pages.h"
#include <memshare/at_once.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace memshare::detail {

using proto::Fd;
using proto::Mapping;

namespace {

// Longer than most locks are held and most changes take to come, when they come soon.
constexpr std::chrono::microseconds longest_spin{50};

Mapping::Access mapping_access(Access access) {
    return access == Access::write ? Mapping::Access::write : Mapping::Access::read;
}

} // namespace

Attachment::Attachment(std::shared_ptr<Connection> connection, const client::Session& session,
                       const proto::Segment& segment, Access access)
    : connection_(std::move(connection)),
      session_(&session),
      id_(segment.id),
      info_(client::info_of(segment)),
      access_(access),
      lock_patience_(longest_spin),
      wait_patience_(longest_spin) {}

namespace {

// What the broker will say about its type, its lifetime and its mode. Its id and all else comes with share().
proto::Segment foreseen(const proto::Create& planned) {
    proto::Type type{.form = planned.form,
                     .element = planned.element,
                     .count = planned.count.value_or(1),
                     .shape = planned.shape};
    if (const auto wrong = type.complete()) {
        throw Error(Errc::invalid_argument,
                    "a segment cannot be made with such a value of \"" + *wrong + '"');
    }
    proto::Segment segment;
    segment.form = type.form;
    segment.element = std::move(type.element);
    segment.count = type.count;
    segment.shape = std::move(type.shape);
    segment.size_bytes = segment.count * segment.element.size;
    segment.payload_offset = abi::payload_offset(
        segment.form, abi::payload_size(segment.form, segment.element.size, segment.count));
    segment.lifetime = planned.lifetime.value_or(proto::Lifetime::creator);
    segment.mode = planned.mode.value_or(0600);
    return segment;
}

void write_all(const Fd& file, std::span<const std::byte> bytes) {
    for (std::size_t written = 0; written < bytes.size();) {
        const ssize_t more = pwrite(file.number(), bytes.data() + written, bytes.size() - written,
                                    static_cast<off_t>(written));
        if (more < 0 && errno != EINTR) {
            client::throw_error(proto::system_error("fill the memory").error());
        }
        written += more < 0 ? 0 : static_cast<std::size_t>(more);
    }
}

} // namespace

std::shared_ptr<Attachment> Attachment::alone(const proto::Create& planned,
                                              const std::shared_ptr<Connection>& connection) {
    const proto::Segment segment = foreseen(planned);
    auto made = std::make_shared<Attachment>(connection, connection->session(), segment, Access::write);
    made->planned_ = std::make_unique<proto::Create>(planned);
    made->info_.id.clear();
    const std::size_t payload = abi::payload_size(segment.form, segment.element.size, segment.count);
    auto memory = client::memory_of_zeros(segment.payload_offset + payload);
    if (!memory) {
        throw Error(Errc::out_of_memory,
                    "this process cannot map " + std::to_string(payload) + " bytes more");
    }
    made->mapping_ = *std::move(memory);
    made->make_mutex();
    return made;
}

// The lock, if it is held, and the changes are in what is written.
void Attachment::share() {
    if (is_shared()) {
        return;
    }
    planned_->id = proto::SegmentId::random();
    const auto answered = call_or_undo(*planned_, *connection_, {});
    const SegmentInfo before = std::exchange(info_, client::info_of(answered.reply.segment));
    try {
        checked_size(answered.fd);
        write_all(answered.fd, memory());
        if (const auto replaced = mapping_.replace(answered.fd.number(), Mapping::Access::write); !replaced) {
            client::throw_error(replaced.error());
        }
    } catch (...) {
        info_ = before;
        undo(*planned_, *connection_);
        throw;
    }
    id_ = answered.reply.segment.id;
    session_ = &answered.session;
    mutex_->session_.store(&answered.session.word(), std::memory_order_release);
    planned_ = nullptr;
}

// If these fail there is nothing to undo, or nobody to do it.
void Attachment::undo(const proto::Create& call, Connection& connection) {
    try {
        connection.call(proto::Destroy{.name = {}, .id = call.id});
        connection.call(proto::Detach{.name = {}, .id = call.id, .access = {}, .serial = {}, .attached = {}});
    } catch (...) { // NOLINT(bugprone-empty-catch): as said above
    }
}

void Attachment::undo(const proto::Attach& call, Connection& connection) {
    try {
        connection.call(proto::Detach{
            .name = call.name, .id = call.id, .access = call.access, .serial = {}, .attached = {}});
    } catch (...) { // NOLINT(bugprone-empty-catch): as said above
    }
}

Attachment::~Attachment() {
    if (!is_shared()) {
        client::give_back(std::move(mapping_));
        return;
    }
    read_only_after_fork_.reset(); // before another thread forks without the mapping
    mapping_.unmap();
    detach(access_, *session_);
}

// The size and place of the payload come from the broker, the size of the memory from the kernel, and its
// seal says that it stays so: then no access in these bounds can ever be a SIGBUS.
std::size_t Attachment::checked_size(const Fd& memory) const {
    const off_t end = memory ? lseek(memory.number(), 0, SEEK_END) : -1; // sooner told than fstat(2) does
    if (end < 0) {
        throw Error(Errc::protocol_violation, "the broker sent no memory", info_.name);
    }
    const auto size = static_cast<std::uint64_t>(end);
    const std::uint64_t offset = info_.payload_offset;
    const std::uint64_t payload =
        info_.form == Form::value ? abi::payload_size(Form::value, info_.size_bytes, 1) : info_.size_bytes;
    const int seals = fcntl(memory.number(), F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || info_.size_bytes > size || offset > size ||
        payload > size - offset || offset < sizeof(abi::Header) || offset % abi::cache_line != 0) {
        throw Error(Errc::protocol_violation, "the broker sent memory of the wrong size", info_.name);
    }
    return size;
}

void Attachment::map(const Fd& memory) {
    const std::size_t size = checked_size(memory);
    auto mapping = Mapping::map(memory.number(), size, mapping_access(access_));
    if (!mapping && mapping.error().code == std::errc::not_enough_memory) {
        throw Error(Errc::out_of_memory, "this process cannot map " + std::to_string(size) + " bytes more",
                    info_.name);
    }
    if (!mapping) {
        client::throw_error(mapping.error(), info_.name);
    }
    mapping_ = *std::move(mapping);
    if (info_.huge_pages == HugePages::transparent) {
        madvise(mapping_.bytes().data(), mapping_.bytes().size(), MADV_HUGEPAGE); // if not, it is slower
    }
    make_mutex();
}

Version Attachment::state() {
    const auto bits = [this]<typename Bits>(Bits /*type*/) { return AtOnce<Bits>(elements().data()).load(); };
    const std::uint64_t count = changes().count();
    switch (info_.form == Form::value ? info_.size_bytes : 0) {
        case 1:
            return {count, bits(std::uint8_t{})};
        case 2:
            return {count, bits(std::uint16_t{})};
        case 4:
            return {count, bits(std::uint32_t{})};
        case 8:
            return {count, bits(std::uint64_t{})};
        default:
            return {count, 0};
    }
}

Changes Attachment::changes() {
    const bool has_slots = info_.form == Form::value && !abi::stored_at_once(info_.size_bytes);
    return {header().change, has_slots ? Changes::Counting::slots : Changes::Counting::changes, *this};
}

// As a process that has it mapped already: then also what has ended can be attached, as long as somebody has
// it, and what the segment's mode and owner refuse by now. The session is this process's own or, in a forked
// child, that of the process that it has inherited the memory from, with the token.
proto::Attach Attachment::again(Access access) const {
    proto::Attach call;
    call.id = id_;
    call.access = client::access_of(access);
    call.mapped = true;
    call.inherited_from = session_.load()->token();
    return call;
}

// Two threads may be here at once: then one of them has attached for nothing, and takes it back.
void Attachment::attach_again() {
    const client::Session* before = session_.load();
    if (before->holder() == 0) {
        const auto answered = connection_->call(again(access_), info_.name);
        inherited_ = true;
        if (!session_.compare_exchange_strong(before, &answered.session)) {
            detach(access_, answered.session);
        }
    }
    if (access_ == Access::write) { // also if another thread has attached and has not got so far
        mutex_->session_.store(&session_.load()->word(), std::memory_order_release);
    }
}

void Attachment::detach(Access access, const client::Session& session) {
    connection_->detach(
        {.name = {}, .id = id_, .access = client::access_of(access), .serial = {}, .attached = {}}, session);
}

void Attachment::count_as_watcher() {
    attach_again();
    const std::uint32_t holder = session_.load()->holder();
    if (watcher_.load() == holder) {
        return;
    }
    proto::Attach call = again(Access::read);
    call.waits = true;
    const auto answered = connection_->call(call, info_.name);
    watcher_.store(holder);
    detach(Access::read, answered.session); // it was only to say so
}

bool Attachment::alive() {
    try {
        return !connection_->call(proto::Describe{.name = {}, .id = id_}, info_.name).reply.segment.ended;
    } catch (const Error& error) {
        if (error.code() != Errc::no_such_segment) { // as another broker says
            throw;
        }
        return false;
    }
}

DeadHolder Attachment::last_recovery() {
    const auto reply = connection_->call(proto::Describe{.name = {}, .id = id_}, info_.name).reply;
    return reply.lock.last_recovery ? client::info_of(*reply.lock.last_recovery) : DeadHolder{};
}

} // namespace memshare::detail
