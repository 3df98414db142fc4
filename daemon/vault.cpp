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

void Deposit::take_out() {
    if (number_ != 0) {
        vault_->take_out(std::exchange(number_, 0));
    }
}

Result<std::unique_ptr<Vault>> Vault::open(std::vector<DescriptorQueue> queues, Keep keep) {
    std::unique_ptr<Vault> vault(new Vault(std::move(keep)));
    for (DescriptorQueue& queue : queues) {
        if (const auto taken = vault->take_over(std::move(queue)); !taken) {
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

Result<void> Vault::take_over(DescriptorQueue descriptors) {
    Queue& queue = queues_.emplace_back(Queue{.descriptors = std::move(descriptors)});
    return queue.descriptors.look_through([&](std::vector<DescriptorQueue::Shown> shown) {
        Message& message = queue.messages.emplace_back(Message{.serial = ++last_message_, .numbers = {}});
        for (auto& [number, fd] : shown) {
            message.numbers.push_back(number);
            last_number_ = std::max(last_number_, number);
            const bool is_new = entries_
                                    .try_emplace(number, Entry{.valuable = {},
                                                               .queue = &queue,
                                                               .message = message.serial,
                                                               .found = std::move(fd)})
                                    .second;
            queue.has_unwanted = queue.has_unwanted || !is_new; // a move was cut short
        }
    });
}

Result<void> Vault::add_queue() {
    auto made = DescriptorQueue::create();
    if (!made) {
        return std::unexpected(made.error());
    }
    keep_(queues_.emplace_back(Queue{.descriptors = *std::move(made)}).descriptors);
    return {};
}

// They go round, and may be in use.
std::uint32_t Vault::new_number() {
    do { // NOLINT(*-avoid-do-while)
        ++last_number_;
    } while (last_number_ == 0 || entries_.contains(last_number_));
    return last_number_;
}

Result<Deposit> Vault::put(Valuable valuable) {
    const std::uint32_t number = new_number();
    entries_.emplace(number, Entry{.valuable = std::move(valuable)});
    if (const auto added = append(std::span(&number, 1), /*are_young=*/true); !added) {
        entries_.erase(number);
        return std::unexpected(added.error());
    }
    return Deposit(*this, number);
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

Fd Vault::find(std::uint32_t number) {
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
            take_out(number);
        }
    }
}

void Vault::take_out(std::uint32_t number) {
    Entry& entry = entries_.at(number);
    entry.wanted = false;
    entry.queue->has_unwanted = true;
    entry.queue->has_dear = entry.queue->has_dear || entry.valuable.is_dear();
    if (!entry.valuable.is_dear()) {
        entry.valuable.owner = nullptr;
    }
}

std::optional<std::chrono::milliseconds> Vault::next_step() const {
    std::optional<std::chrono::milliseconds> soonest;
    if (turn_) {
        return 0ms;
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
    const std::size_t full_messages = entries_.size() / DescriptorQueue::most_items;
    if (!queue.has_unwanted && queue.messages.size() <= 2 * full_messages + spare_messages) {
        return std::nullopt;
    }
    const auto least = queue.has_dear ? pause_if_dear : pause;
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - queue.turned);
    return std::max(least - since, 0ms);
}

void Vault::step() {
    if (!turn_) {
        for (Queue& queue : queues_) {
            const auto wait = due(queue);
            const bool is_young = &queue == &queues_.front();
            if (!wait || (!is_young && *wait > 0ms)) {
                continue;
            }
            queue.has_unwanted = false;
            queue.has_dear = false;
            queue.turned = Clock::now();
            if (!queue.messages.empty()) {
                turn_ = {.queue = &queue, .last = queue.messages.back().serial};
                break;
            }
        }
    } else if (turn_->moved > 0) {
        for (std::size_t weight = 0; weight < step_weight && turn_->moved > 0; --turn_->moved) {
            weight += drop_front(*turn_->queue);
        }
    } else {
        move_on(*turn_);
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
    }
    turn.moved = moved;
    if (moved == 0) {
        turn_.reset();
    } else if (!wanted.empty() && !append(wanted, /*are_young=*/false)) {
        turn.queue->has_unwanted = true; // they stay where they are, until there is room
        turn_.reset();
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
