#include "daemon/ledger.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstring>
#include <new>

namespace memshare::daemon {

using proto::Fd;
using proto::Mapping;
using proto::Result;

namespace {

constexpr std::uint64_t magic = 0x7265'6467'656c'736d; // "msledger"
constexpr std::size_t least_hole = 8192; // a page costs more to give back and take again than it is worth
constexpr std::uint32_t format = 1;      // of what is below, and of the texts

} // namespace

struct Ledger::Head {
    std::uint64_t magic;
    std::uint32_t format;
    std::atomic<std::uint32_t> chunks;
    std::atomic<std::uint64_t> round; // the last one that counts
    std::atomic<std::uint64_t> number;
};

// Begins each chunk, in the place of its first slot.
struct Ledger::Chunk {
    std::uint32_t size_class;
    std::atomic<std::uint32_t> used; // slots, from the first on; the others were never touched
};

// It bears a record from the round `written` on until before `erased`, if that is not 0.
struct Record::Slot {
    std::atomic<std::uint64_t> written; // 0: it is free
    std::atomic<std::uint64_t> erased;
    std::uint32_t kind;
    std::uint32_t size;

    char* text() { return reinterpret_cast<char*>(this + 1); }
};

Record& Record::operator=(Record&& other) noexcept {
    if (this != &other) {
        erase();
        ledger_ = other.ledger_;
        slot_ = std::exchange(other.slot_, nullptr);
    }
    return *this;
}

void Record::erase() {
    if (slot_ != nullptr) {
        ledger_->erase(*std::exchange(slot_, nullptr));
    }
}

Ledger::Head& Ledger::head() const { return *reinterpret_cast<Head*>(mapping_.bytes().data()); }

// The head has a chunk's room to itself.
Ledger::Chunk& Ledger::chunk(std::size_t at) const {
    return *reinterpret_cast<Chunk*>(&mapping_.bytes()[(at + 1) * chunk_bytes]);
}

std::size_t Ledger::slots_in(const Chunk& chunk) const {
    return chunk_bytes / (smallest_slot << chunk.size_class) - 1;
}

Record::Slot& Ledger::slot_in(Chunk& chunk, std::size_t at) const {
    return *reinterpret_cast<Record::Slot*>(reinterpret_cast<std::byte*>(&chunk) +
                                            (at + 1) * (smallest_slot << chunk.size_class));
}

Result<Ledger> Ledger::create() {
    Fd memory = Fd::adopt(memfd_create("memshare:ledger", MFD_CLOEXEC));
    if (!memory || fchmod(memory.number(), S_IRUSR | S_IWUSR) != 0 ||
        ftruncate(memory.number(), chunk_bytes) != 0) {
        return proto::system_error("make a ledger");
    }
    auto mapping = Mapping::map(memory.number(), most_bytes, Mapping::Access::write);
    if (!mapping) {
        return std::unexpected(mapping.error());
    }
    Ledger ledger(std::move(memory), *std::move(mapping));
    ledger.head().format = format;
    ledger.head().magic = magic;
    return ledger;
}

Result<Ledger> Ledger::open(Fd memory) {
    struct stat status{};
    if (fstat(memory.number(), &status) != 0) {
        return proto::system_error("look at the ledger");
    }
    if (std::cmp_less(status.st_size, chunk_bytes)) {
        return proto::system_error("take what is no ledger for one", EINVAL);
    }
    auto mapping = Mapping::map(memory.number(), most_bytes, Mapping::Access::write);
    if (!mapping) {
        return std::unexpected(mapping.error());
    }
    Ledger ledger(std::move(memory), *std::move(mapping));
    const Head& head = ledger.head();
    if (head.magic != magic || head.format != format ||
        (head.chunks + std::uint64_t{1}) * chunk_bytes > static_cast<std::uint64_t>(status.st_size)) {
        return proto::system_error("read a ledger of another format", EINVAL);
    }
    for (std::size_t at = 0; at < head.chunks; ++at) {
        Chunk& chunk = ledger.chunk(at);
        if (chunk.size_class >= sizes || chunk.used > ledger.slots_in(chunk)) {
            return proto::system_error("read a ledger that is damaged", EINVAL);
        }
        for (std::size_t slot = 0; slot < chunk.used; ++slot) {
            ledger.look_at(ledger.slot_in(chunk, slot), chunk.size_class);
        }
        if (chunk.used < ledger.slots_in(chunk)) { // there is one of each size at most
            ledger.growing_.at(chunk.size_class) = &chunk;
        }
    }
    return ledger;
}

// What its last round made of a slot, or would have made.
void Ledger::look_at(Record::Slot& slot, std::size_t size_class) {
    const std::uint64_t last = head().round;
    const bool is_written = slot.written != 0 && slot.written <= last;
    const bool is_erased = slot.erased != 0 && slot.erased <= last;
    if (is_written && !is_erased && slot.size <= (smallest_slot << size_class) - sizeof(Record::Slot)) {
        slot.erased = 0;
        found_.push_back(&slot);
    } else {
        free(slot); // which also gives back the page that was read
    }
}

std::vector<Ledger::Found> Ledger::take_all() {
    std::vector<Found> all;
    all.reserve(found_.size());
    for (Record::Slot* slot : std::exchange(found_, {})) {
        all.push_back({Record(*this, *slot), slot->kind, {slot->text(), slot->size}});
    }
    return all;
}

std::uint64_t Ledger::number() const { return head().number; }
void Ledger::set_number(std::uint64_t number) { head().number = number; }

void Ledger::write(Record& record, std::uint32_t kind, std::string_view text) {
    if (text.size() > most_text) {
        throw std::bad_alloc();
    }
    Record::Slot& slot = new_slot(sizeof(Record::Slot) + text.size());
    std::memcpy(slot.text(), text.data(), text.size());
    slot.kind = kind;
    slot.size = static_cast<std::uint32_t>(text.size());
    slot.erased.store(0, std::memory_order_release);
    slot.written.store(head().round + 1, std::memory_order_release);
    record = Record(*this, slot);
}

Record::Slot& Ledger::new_slot(std::size_t bytes) {
    const std::size_t units = (bytes + smallest_slot - 1) / smallest_slot;
    const auto size_class = static_cast<std::size_t>(std::bit_width(units - 1));
    auto& reusable = free_.at(size_class);
    if (!reusable.empty()) {
        Record::Slot& slot = *reusable.back();
        reusable.pop_back();
        return slot;
    }
    if (growing_.at(size_class) == nullptr) {
        add_chunk(size_class);
    }
    Chunk& chunk = *growing_.at(size_class);
    const std::uint32_t at = chunk.used.fetch_add(1);
    if (chunk.used == slots_in(chunk)) {
        growing_.at(size_class) = nullptr;
    }
    return slot_in(chunk, at);
}

void Ledger::add_chunk(std::size_t size_class) {
    const std::size_t at = head().chunks;
    const std::size_t bytes = (at + 2) * chunk_bytes;
    if (bytes > most_bytes || ftruncate(memory_.number(), static_cast<off_t>(bytes)) != 0) {
        throw std::bad_alloc();
    }
    chunk(at).size_class = static_cast<std::uint32_t>(size_class);
    growing_.at(size_class) = &chunk(at);
    head().chunks.store(static_cast<std::uint32_t>(at + 1), std::memory_order_release);
}

void Ledger::erase(Record::Slot& slot) {
    if (slot.written > head().round) { // it never counted
        free(slot);
    } else {
        slot.erased.store(head().round + 1, std::memory_order_release);
        erased_.push_back(&slot);
    }
}

void Ledger::free(Record::Slot& slot) {
    slot.written.store(0, std::memory_order_release);
    const std::size_t offset =
        static_cast<std::size_t>(reinterpret_cast<std::byte*>(&slot) - mapping_.bytes().data());
    const std::size_t size_class = chunk(offset / chunk_bytes - 1).size_class;
    const std::size_t bytes = smallest_slot << size_class;
    if (bytes >= least_hole) { // what is zero is free as well
        fallocate(memory_.number(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                  static_cast<off_t>(bytes));
    }
    free_.at(size_class).push_back(&slot);
}

void Ledger::commit() {
    head().round.store(head().round + 1, std::memory_order_release);
    for (Record::Slot* slot : erased_) {
        free(*slot);
    }
    erased_.clear();
}

} // namespace memshare::daemon
