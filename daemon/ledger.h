// Records that outlive this process: texts in a memfd, which the service manager keeps for the next one.
//
// What is changed counts from commit() on, all of it at once, by the store of one word: whatever instruction
// the process is killed at, the next one finds all changes of a round or none. (The idea is that of databases
// which keep several versions: a record bears the rounds in which it was written and erased, and the head of
// the ledger the last round that counts.)
#pragma once

#include "proto/fd.h"
#include "proto/mapping.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace memshare::daemon {

class Ledger;

// One record of a ledger's, which outlives it; erased with it. None, as long as nothing is written.
class Record {
  public:
    Record() = default;
    Record(Record&& other) noexcept { *this = std::move(other); }
    Record& operator=(Record&& other) noexcept;
    Record(const Record&) = delete;
    Record& operator=(const Record&) = delete;
    ~Record() { erase(); }

    explicit operator bool() const { return slot_ != nullptr; }

  private:
    friend class Ledger;
    struct Slot;
    Record(Ledger& ledger, Slot& slot) : ledger_(&ledger), slot_(&slot) {}
    void erase();

    Ledger* ledger_ = nullptr;
    Slot* slot_ = nullptr;
};

class Ledger {
  public:
    // An empty one, in new memory.
    static proto::Result<Ledger> create();

    // What another process has left. An error, if it is no ledger, or of another format.
    static proto::Result<Ledger> open(proto::Fd memory);

    // What to keep; borrowed.
    int descriptor() const { return memory_.number(); }

    // Replaces what a record says. Its kind is the caller's. Throws std::bad_alloc, if there is no memory for
    // it, or if there are more bytes than a text can have.
    void write(Record& record, std::uint32_t kind, std::string_view text);
    static constexpr std::size_t most_text = (std::size_t{1} << 19) - 64;

    // From here on all that was written and erased counts.
    void commit();

    // All records that counted when it was opened; the texts are borrowed until the next commit.
    struct Found {
        Record record;
        std::uint32_t kind = 0;
        std::string_view text;
    };
    std::vector<Found> take_all();

    // A number of the caller's, which counts at once.
    std::uint64_t number() const;
    void set_number(std::uint64_t number);

  private:
    friend class Record;
    struct Head;
    struct Chunk;

    // Slots of 128 bytes and twice as large each time, in chunks of slots of one size.
    static constexpr std::size_t chunk_bytes = std::size_t{1} << 20, smallest_slot = 128, sizes = 13;
    static constexpr std::size_t most_bytes = std::size_t{1} << 34; // of address space

    Ledger(proto::Fd memory, proto::Mapping mapping)
        : memory_(std::move(memory)), mapping_(std::move(mapping)) {}

    Head& head() const;
    Chunk& chunk(std::size_t at) const;
    Record::Slot& slot_in(Chunk& chunk, std::size_t at) const;
    std::size_t slots_in(const Chunk& chunk) const;
    Record::Slot& new_slot(std::size_t bytes);
    void add_chunk(std::size_t size_class);
    void look_at(Record::Slot& slot, std::size_t size_class);
    void erase(Record::Slot& slot);
    void free(Record::Slot& slot);

    proto::Fd memory_;
    proto::Mapping mapping_;
    std::array<std::vector<Record::Slot*>, sizes> free_;
    std::array<Chunk*, sizes> growing_{}; // which has slots that were never used
    std::vector<Record::Slot*> erased_;   // in this round
    std::vector<Record::Slot*> found_;
};

} // namespace memshare::daemon
