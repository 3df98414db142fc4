#include "daemon/kept.h"

#include <array>
#include <charconv>
#include <iterator>
#include <string>

namespace memshare::daemon {
namespace {

using proto::Result;

const std::string ledger_name = std::string(kept_prefix) + "ledger";

const std::string queue_prefix = std::string(kept_prefix) + "vault-";

Result<std::unique_ptr<Ledger>> open_ledger(KeptDescriptors& kept) {
    auto found = kept.extract(ledger_name);
    auto ledger = found ? Ledger::open(std::move(found.mapped())) : Ledger::create();
    if (!ledger) {
        return std::unexpected(ledger.error());
    }
    if (!found) {
        if (const auto told = keep(ledger_name, std::array{ledger->descriptor()}); !told) {
            return std::unexpected(told.error());
        }
    }
    return std::make_unique<Ledger>(*std::move(ledger));
}

// Both sockets of each bear its name.
Vault::Queues take_queues(KeptDescriptors& kept) {
    Vault::Queues queues;
    for (auto one = kept.lower_bound(queue_prefix);
         one != kept.end() && one->first.starts_with(queue_prefix);) {
        const auto [begin, end] = kept.equal_range(one->first);
        const std::string digits = begin->first.substr(queue_prefix.size());
        std::size_t number = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (std::distance(begin, end) == 2) {
            queues.emplace(number, DescriptorQueue::adopt(std::move(begin->second),
                                                          std::move(std::next(begin)->second)));
        }
        one = end;
    }
    return queues;
}

class ServiceManager final : public Vault::Keeper {
  public:
    Result<void> keep(std::size_t number, const DescriptorQueue& queue) override {
        return daemon::keep(queue_prefix + std::to_string(number), queue.sockets());
    }
    void keep_no_more(std::size_t number) override {
        daemon::keep_no_more(queue_prefix + std::to_string(number));
    }
};

} // namespace

Result<std::unique_ptr<Archive>> open_archive(KeptDescriptors kept) {
    if (!can_keep()) {
        return std::make_unique<Archive>();
    }
    bool is_new = !kept.contains(ledger_name);
    auto ledger = open_ledger(kept);
    if (!ledger) {
        return std::unexpected(ledger.error());
    }
    auto queues = take_queues(kept);
    is_new = is_new || queues.empty();
    auto vault = Vault::open(std::move(queues), std::make_unique<ServiceManager>());
    if (!vault) {
        return std::unexpected(vault.error());
    }
    if (is_new) {
        if (const auto heard = wait_until_heard(); !heard) {
            return std::unexpected(heard.error());
        }
    }
    return std::make_unique<Archive>(*std::move(ledger), *std::move(vault));
}

} // namespace memshare::daemon
