#include "daemon/vault.h"

#include <algorithm>

namespace memshare::daemon {

using namespace std::chrono_literals;
using proto::Fd;
using proto::Result;

namespace {

// Of what is dropped in a step: one for a descriptor and for each page that goes with it, and more for a
// message.
constexpr std::size_t step_weight = 256, message_weight = 8, page = 4096;
constexpr std::size_t young_messages = 128; // then they are old enough; the kernel has room for some 500
constexpr std::size_t spare_messages = 16;  // more than what is there would fill
constexpr auto pause = 1000ms, pause_of_young = 100ms, pause_if_dear = 100ms;

} // namespace

Deposit& Deposit::operator=(Deposit&& other) noexcept {
    if (this != &other) {
        take_out();
        vault_ = other.vault_;
        number_ = std::exchange(other.number_, 0);
    }
    return *this;
}

void Deposit::take_out(Charge charge) {
    if (number_ != 0) {
        vault_->take_out(std::exchange(number_, 0), std::move(charge));
    }
}

Result<std::unique_ptr<Vault>> Vault::open(Queues queues, std::unique_ptr<Keeper> keeper) {
    std::unique_ptr<Vault> vault(new Vault(std::move(keeper)));
    for (auto& [number, queue] : queues) {
        if (const auto taken = vault->take_over(number, std::move(queue)); !taken) {
            return std::unexpected(taken.error());
        }
    }
    while (vault->queues_.size() < 2) { // the young one, and an old one
        if (const auto added = vault->add_queue(); !added) {
            return std::unexpected(added.error());
        }
    }
    return vault;
}

Result<void> Vault::take_over(std::size_t number, DescriptorQueue descriptors) {
    Queue& queue = queues_.emplace_back(Queue{.number = number, .descriptors = std::move(descriptors)});
    return queue.descriptors.look_through(
        DescriptorQueue::With::numbers, [&](const std::vector<DescriptorQueue::Shown>& shown) {
            Message& message = queue.messages.emplace_back(Message{.serial = ++last_message_, .numbers = {}});
            for (const auto& one : shown) {
                message.numbers.push_back(one.number);
                last_number_ = std::max(last_number_, one.number);
                const bool is_new =
                    entries_
                        .try_emplace(one.number,
                                     Entry{.valuable = {}, .queue = &queue, .message = message.serial})
                        .second;
                queue.has_unwanted = queue.has_unwanted || !is_new; // a move was cut short
            }
        });
}

Result<void> Vault::fetch(const std::unordered_set<std::uint32_t>& numbers) {
    for (const Queue& queue : queues_) {
        const auto looked = queue.descriptors.look_through(
            DescriptorQueue::With::descriptors, [&](std::vector<DescriptorQueue::Shown> shown) {
                for (auto& [number, fd] : shown) {
                    Entry& entry = entries_.at(number);
                    if (numbers.contains(number) && !entry.found) {
                        entry.found = std::move(fd);
                    }
                }
            });
        if (!looked) {
            return looked;
        }
    }
    return {};
}

Result<void> Vault::add_queue() {
    if (queues_.size() == most_queues) {
        return proto::system_error("keep so many descriptors", ENOBUFS);
    }
    auto made = DescriptorQueue::create();
    if (!made) {
        return std::unexpected(made.error());
    }
    const std::size_t number = queues_.empty() ? 0 : queues_.back().number + 1;
    if (const auto kept = keeper_->keep(number, *made); !kept) {
        return kept;
    }
    queues_.emplace_back(Queue{.number = number, .descriptors = *std::move(made)});
    return {};
}

// They go round, and may be in use.
std::uint32_t Vault::new_number() {
    do { // NOLINT(*-avoid-do-while)
        ++last_number_;
    } while (last_number_ == 0 || entries_.contains(last_number_));
    return last_number_;
}

// Whoever has more kept than can be dropped meanwhile does what is to be done for it.
Result<Deposit> Vault::put(Valuable valuable) {
    if (is_behind()) {
        step();
    }
    const std::uint32_t number = new_number();
    entries_.emplace(number, Entry{.valuable = std::move(valuable)});
    if (const auto added = append(std::span(&number, 1), /*are_young=*/true); !added) {
        entries_.erase(number);
        return std::unexpected(added.error());
    }
    return Deposit(*this, number);
}

bool Vault::is_behind() const {
    return queues_.front().messages.size() > 2 * young_messages ||
           std::any_of(queues_.begin() + 1, queues_.end(),
                       [this](const Queue& queue) { return is_scattered(queue, 4); });
}

// Whether it has many times more messages than those that are full would be.
bool Vault::is_scattered(const Queue& queue, std::size_t factor) const {
    return queue.messages.size() > factor * (entries_.size() / DescriptorQueue::most_items) + spare_messages;
}

// Where there is room for them.
Result<void> Vault::append(std::span<const std::uint32_t> numbers, bool are_young) {
    for (std::size_t at = are_young ? 0 : 1; at < queues_.size(); ++at) {
        auto added = append(queues_[at], numbers);
        if (added || added.error().code != std::errc::resource_unavailable_try_again) {
            return added;
        }
    }
    if (const auto added = add_queue(); !added) {
        return added;
    }
    return append(queues_.back(), numbers);
}

Result<void> Vault::append(Queue& queue, std::span<const std::uint32_t> numbers) {
    std::vector<DescriptorQueue::Item> items;
    items.reserve(numbers.size());
    for (const std::uint32_t number : numbers) {
        items.push_back({.number = number, .fd = entries_.at(number).valuable.fd});
    }
    if (const auto added = queue.descriptors.append(items); !added) {
        return added;
    }
    const Message& message = queue.messages.emplace_back(
        Message{.serial = ++last_message_, .numbers = {numbers.begin(), numbers.end()}});
    for (const std::uint32_t number : numbers) {
        Entry& entry = entries_.at(number);
        entry.queue = &queue;
        entry.message = message.serial;
    }
    return {};
}

Fd Vault::take(std::uint32_t number) {
    const auto entry = entries_.find(number);
    return entry == entries_.end() ? Fd() : std::move(entry->second.found);
}

Deposit Vault::put_back(std::uint32_t number, Valuable valuable) {
    entries_.at(number).valuable = std::move(valuable);
    return {*this, number};
}

void Vault::drop_the_rest() {
    for (auto& [number, entry] : entries_) {
        if (entry.valuable.owner == nullptr) {
            // As large as it may be.
            entry.valuable = {.fd = -1,
                              .owner = std::make_shared<Fd>(std::move(entry.found)),
                              .bytes = proto::limits::segment_bytes};
            take_out(number, {});
        }
    }
}

void Vault::take_out(std::uint32_t number, Charge charge) {
    Entry& entry = entries_.at(number);
    entry.charge = std::move(charge);
    entry.wanted = false;
    entry.queue->has_unwanted = true;
    entry.queue->has_dear = entry.queue->has_dear || entry.valuable.is_dear();
    if (!entry.valuable.is_dear()) {
        entry.valuable.owner = nullptr;
    }
}

std::optional<std::chrono::milliseconds> Vault::next_step() const {
    std::optional<std::chrono::milliseconds> soonest;
    const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(resting_until_ - Clock::now());
    if (turn_ || rest > 0ms) {
        return turn_ ? 0ms : rest;
    }
    for (const Queue& queue : queues_) {
        if (const auto wait = due(queue); wait && (!soonest || *wait < *soonest)) {
            soonest = wait;
        }
    }
    return soonest;
}

// When to turn it over: an old one not too often, as all that it holds is moved for it.
std::optional<std::chrono::milliseconds> Vault::due(const Queue& queue) const {
    if (&queue == &queues_.front()) {
        const bool at_once = queue.messages.size() >= young_messages || queue.has_dear;
        return at_once              ? std::optional(0ms)
               : queue.has_unwanted ? std::optional(pause_of_young)
                                    : std::nullopt;
    }
    if (is_scattered(queue, 2)) {
        return 0ms;
    }
    if (!queue.has_unwanted) {
        return std::nullopt;
    }
    const auto least = queue.has_dear ? pause_if_dear : pause;
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - queue.turned);
    return std::max(least - since, 0ms);
}

void Vault::step() {
    if (!turn_) {
        begin_turn();
    } else if (turn_->moved > 0) {
        for (std::size_t weight = 0; weight < step_weight && turn_->moved > 0; --turn_->moved) {
            weight += drop_front(*turn_->queue);
        }
    } else {
        move_on(*turn_);
    }
}

// Of those that are due, the queue that has waited longest: the young one is due nearly always.
void Vault::begin_turn() {
    Queue* next = nullptr;
    for (Queue& queue : queues_) {
        const auto wait = due(queue);
        const bool is_young = &queue == &queues_.front();
        if (wait && (is_young || *wait == 0ms) && (next == nullptr || queue.turned < next->turned)) {
            next = &queue;
        }
    }
    if (next != nullptr) {
        next->has_unwanted = false;
        next->has_dear = false;
        next->turned = Clock::now();
        turn_ = {.queue = next, .last = next->messages.empty() ? 0 : next->messages.back().serial};
    }
}

// A queue that was added for a crowd goes when it is empty.
void Vault::end_turn() {
    turn_.reset();
    while (queues_.size() > 2 && queues_.back().messages.empty()) {
        keeper_->keep_no_more(queues_.back().number);
        queues_.pop_back();
    }
}

bool Vault::is_home(std::uint32_t number, std::uint64_t message) const {
    const auto entry = entries_.find(number);
    return entry != entries_.end() && entry->second.message == message;
}

// As many messages as fill one.
void Vault::move_on(Turn& turn) {
    std::vector<std::uint32_t> wanted;
    std::size_t moved = 0;
    std::size_t empty = 0; // at the front
    for (const Message& message : turn.queue->messages) {
        const std::size_t before = wanted.size();
        for (const std::uint32_t number : message.numbers) {
            if (is_home(number, message.serial) && entries_.at(number).wanted) {
                wanted.push_back(number);
            }
        }
        if (message.serial > turn.last || wanted.size() > DescriptorQueue::most_items) {
            wanted.resize(before);
            break;
        }
        ++moved;
        empty = wanted.empty() ? moved : empty;
    }
    if (!wanted.empty() && !append(wanted, /*are_young=*/false)) {
        turn.queue->has_unwanted = true; // they stay where they are, until there is room
        resting_until_ = Clock::now() + pause;
        moved = empty;
    }
    turn.moved = moved;
    if (moved == 0) {
        end_turn();
    }
}

std::size_t Vault::drop_front(Queue& queue) {
    const Message message = std::move(queue.messages.front());
    queue.messages.pop_front();
    queue.descriptors.drop_front();
    std::size_t weight = message_weight + message.numbers.size();
    for (const std::uint32_t number : message.numbers) {
        if (is_home(number, message.serial)) { // what is wanted has moved on
            auto& valuable = entries_.at(number).valuable;
            if (valuable.is_dear()) {
                dropped_.push_back(std::move(valuable.owner));
            } else {
                weight += valuable.bytes / page;
            }
            entries_.erase(number);
        }
    }
    return weight;
}

} // namespace memshare::daemon
