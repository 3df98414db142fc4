#include "daemon/kept.h"

#include "daemon/log.h"

#include <array>
#include <charconv>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

namespace memshare::daemon {
namespace {

using proto::Result;

// What is kept of one archive. There may be several: one that this daemon cannot read stays as it is, for the
// daemon that wrote it, and this one begins another beside it.
struct Names {
    std::string ledger, queue_prefix;

    static Names of(std::size_t archive) {
        const std::string prefix =
            std::string(kept_prefix) + (archive == 0 ? "" : std::to_string(archive + 1) + "-");
        return {prefix + "ledger", prefix + "vault-"};
    }
};
constexpr std::size_t most_archives = 3; // each takes five descriptors of the service manager's 32, or more

struct Opened {
    Names names;
    Ledger ledger;
    bool is_new = false;
};

// The first that can be read, or else a new one.
Result<Opened> open_ledger(KeptDescriptors& kept) {
    std::optional<Names> free;
    for (std::size_t archive = 0; archive < most_archives; ++archive) {
        const Names names = Names::of(archive);
        auto found = kept.extract(names.ledger);
        if (!found) {
            free = free ? free : names;
            continue;
        }
        auto ledger = Ledger::open(std::move(found.mapped()));
        if (ledger) {
            return Opened{names, *std::move(ledger)};
        }
        log({.event = Report::Event::record_lost,
             .sentence = "what an earlier daemon has left as " + names.ledger +
                         " stays for the daemon that can read it: cannot " + ledger.error().sentence()});
    }
    if (!free) {
        return proto::system_error("begin one more archive beside " + std::to_string(most_archives) +
                                       " that cannot be read (systemctl clean --what=fdstore drops them)",
                                   ENOSPC);
    }
    auto ledger = Ledger::create();
    if (!ledger) {
        return std::unexpected(ledger.error());
    }
    if (const auto told = keep(free->ledger, std::array{ledger->descriptor()}); !told) {
        return std::unexpected(told.error());
    }
    return Opened{*free, *std::move(ledger), /*is_new=*/true};
}

// Both sockets of each bear its name.
Vault::Queues take_queues(KeptDescriptors& kept, const std::string& queue_prefix) {
    Vault::Queues queues;
    for (auto one = kept.lower_bound(queue_prefix);
         one != kept.end() && one->first.starts_with(queue_prefix);) {
        const auto [begin, end] = kept.equal_range(one->first);
        const std::string digits = begin->first.substr(queue_prefix.size());
        std::size_t number = 0;
        const auto [last, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        const bool is_number = failure == std::errc() && last == digits.data() + digits.size();
        if (is_number && std::distance(begin, end) == 2) {
            queues.emplace(number, DescriptorQueue::adopt(std::move(begin->second),
                                                          std::move(std::next(begin)->second)));
        }
        one = end;
    }
    return queues;
}

class ServiceManager final : public Vault::Keeper {
  public:
    explicit ServiceManager(std::string queue_prefix) : queue_prefix_(std::move(queue_prefix)) {}

    Result<void> keep(std::size_t number, const DescriptorQueue& queue) override {
        return daemon::keep(queue_prefix_ + std::to_string(number), queue.sockets());
    }
    void keep_no_more(std::size_t number) override {
        daemon::keep_no_more(queue_prefix_ + std::to_string(number));
    }

  private:
    std::string queue_prefix_;
};

} // namespace

Result<std::unique_ptr<Archive>> open_archive(KeptDescriptors kept) {
    if (!can_keep()) {
        return std::make_unique<Archive>();
    }
    auto opened = open_ledger(kept);
    if (!opened) {
        return std::unexpected(opened.error());
    }
    auto& [names, ledger, is_new] = *opened;
    auto queues = take_queues(kept, names.queue_prefix);
    is_new = is_new || queues.empty();
    auto vault = Vault::open(std::move(queues), std::make_unique<ServiceManager>(names.queue_prefix));
    if (!vault) {
        return std::unexpected(vault.error());
    }
    if (is_new) {
        if (const auto heard = wait_until_heard(); !heard) {
            return std::unexpected(heard.error());
        }
    }
    return std::make_unique<Archive>(std::make_unique<Ledger>(std::move(ledger)), *std::move(vault));
}

} // namespace memshare::daemon
