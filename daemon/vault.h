// The descriptors that outlive this process, with their numbers: the memory of segments, the processes of
// sessions. They wait in queues that the service manager keeps for the next process.
//
// What is put in comes alone, in a message of its own, to the queue of the young. Most of it is taken out
// soon after; but a queue can only be emptied from its front. So now and then the young queue is turned over:
// what is still wanted moves on in messages of many to an old queue, and all of it is dropped. The old ones
// are turned over when something in them is not wanted any more, and have their own end for a target. (So do
// collectors of garbage that know generations.) What moves is there twice for a moment, and never not at all.
#pragma once

#include "daemon/descriptor_queue.h"
#include "daemon/quota.h"
#include "proto/limits.h"

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

namespace memshare::daemon {

class Vault;

// A descriptor's place in a vault, which outlives it; taken out with it.
class Deposit {
  public:
    Deposit() = default;
    Deposit(Deposit&& other) noexcept { *this = std::move(other); }
    Deposit& operator=(Deposit&& other) noexcept;
    Deposit(const Deposit&) = delete;
    Deposit& operator=(const Deposit&) = delete;
    ~Deposit() { take_out(); }

    // Takes it out; the charge is given back when it is dropped, as until then it takes its room.
    void take_out(Charge charge = {});

    // What the descriptor is found by; 0, if nothing is deposited.
    std::uint32_t number() const { return number_; }

  private:
    friend class Vault;
    Deposit(Vault& vault, std::uint32_t number) : vault_(&vault), number_(number) {}

    Vault* vault_ = nullptr;
    std::uint32_t number_ = 0;
};

class Vault {
  public:
    // Who keeps the queues, each under its number, or no longer. An error, if that cannot be told.
    class Keeper {
      public:
        virtual ~Keeper() = default;
        virtual proto::Result<void> keep(std::size_t number, const DescriptorQueue& queue) = 0;
        virtual void keep_no_more(std::size_t number) = 0;
    };
    static constexpr std::size_t most_queues = 12;

    // Of what is kept: under the lowest number the queue for the young; or nothing yet.
    using Queues = std::map<std::size_t, DescriptorQueue>;
    static proto::Result<std::unique_ptr<Vault>> open(Queues queues, std::unique_ptr<Keeper> keeper);
    Vault(const Vault&) = delete; // deposits point to it
    Vault& operator=(const Vault&) = delete;
    ~Vault() = default;

    // Whose a descriptor is, which the vault borrows, and how much memory goes with it. Of much the owner is
    // kept until it is dropped, which is then soon: else it would be closed in passing, and that takes long.
    using Owner = std::shared_ptr<const void>;
    struct Valuable {
        int fd = -1;
        Owner owner;
        std::uint64_t bytes = 0;

        bool is_dear() const { return bytes > 16 * proto::limits::KiB; }
    };

    // Keeps a descriptor. An error, if the kernel has no room for one more.
    proto::Result<Deposit> put(Valuable valuable);

    // After opening: fetches what lies under these numbers, and forgets all else. An error (too many open
    // files), if this process may not have so many. Each is then taken, and put back at once or dropped.
    proto::Result<void> fetch(const std::unordered_set<std::uint32_t>& numbers);
    proto::Fd take(std::uint32_t number);
    Deposit put_back(std::uint32_t number, Valuable valuable);
    void drop_the_rest();

    // What is not wanted any more is dropped in small steps, as each can take 100 us. How soon the next one
    // is to be made; nothing, if there is nothing to do.
    std::optional<std::chrono::milliseconds> next_step() const;
    void step();

    // The owners of what was dropped. To let go of them can take long: the caller chooses when and where.
    std::vector<Owner> take_dropped() { return std::exchange(dropped_, {}); }

    std::size_t size() const { return entries_.size(); }

  private:
    friend class Deposit;
    using Clock = std::chrono::steady_clock;

    struct Message {
        std::uint64_t serial = 0;
        std::vector<std::uint32_t> numbers;
    };
    struct Queue {
        std::size_t number = 0;
        DescriptorQueue descriptors;
        std::deque<Message> messages{};
        bool has_unwanted = false; // perhaps
        bool has_dear = false;     // among them
        Clock::time_point turned{};
    };
    struct Entry {
        Valuable valuable;
        Queue* queue = nullptr;
        std::uint64_t message = 0; // where it lies; elsewhere are copies of it
        bool wanted = true;
        proto::Fd found{}; // until it is taken
        Charge charge{};   // until it is dropped
    };
    // Turns a queue over, up to a message.
    struct Turn {
        Queue* queue = nullptr;
        std::uint64_t last = 0;
        std::size_t moved = 0; // messages at the front that hold nothing more
    };

    explicit Vault(std::unique_ptr<Keeper> keeper) : keeper_(std::move(keeper)) {}

    proto::Result<void> take_over(std::size_t number, DescriptorQueue descriptors);
    proto::Result<void> append(std::span<const std::uint32_t> numbers, bool are_young);
    proto::Result<void> append(Queue& queue, std::span<const std::uint32_t> numbers);
    proto::Result<void> add_queue();
    void take_out(std::uint32_t number, Charge charge);
    bool is_behind() const;
    bool is_scattered(const Queue& queue, std::size_t factor) const;
    std::optional<std::chrono::milliseconds> due(const Queue& queue) const;
    void begin_turn();
    void move_on(Turn& turn);
    void end_turn();
    std::size_t drop_front(Queue& queue);
    bool is_home(std::uint32_t number, std::uint64_t message) const;
    std::uint32_t new_number();

    std::unique_ptr<Keeper> keeper_;
    std::deque<Queue> queues_;               // the first is for the young; they stay where they are
    std::map<std::uint32_t, Entry> entries_; // a tree: the growth of a large hash table takes milliseconds
    std::optional<Turn> turn_;
    Clock::time_point resting_until_{}; // as there was no room
    std::vector<Owner> dropped_;
    std::uint32_t last_number_ = 0;
    std::uint64_t last_message_ = 0;
};

} // namespace memshare::daemon
