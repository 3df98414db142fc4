#include "daemon/kept.h"

#include <array>
#include <string>

namespace memshare::daemon {
namespace {

using proto::Result;

const std::string ledger_name = std::string(kept_prefix) + "ledger";

std::string queue_name(std::size_t at) { return std::string(kept_prefix) + "vault-" + std::to_string(at); }

Result<std::unique_ptr<Ledger>> open_ledger(KeptDescriptors& kept) {
    auto found = kept.extract(ledger_name);
    auto ledger = found ? Ledger::open(std::move(found.mapped())) : Ledger::create();
    if (!ledger) {
        return std::unexpected(ledger.error());
    }
    if (!found) {
        keep(ledger_name, std::array{ledger->descriptor()});
    }
    return std::make_unique<Ledger>(*std::move(ledger));
}

// Both sockets of each bear its name.
std::vector<DescriptorQueue> take_queues(KeptDescriptors& kept) {
    std::vector<DescriptorQueue> queues;
    while (kept.count(queue_name(queues.size())) == 2) {
        auto one = kept.extract(kept.find(queue_name(queues.size())));
        auto other = kept.extract(kept.find(queue_name(queues.size())));
        queues.push_back(DescriptorQueue::adopt(std::move(one.mapped()), std::move(other.mapped())));
    }
    return queues;
}

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
    auto keep_queue = [next = queues.size()](const DescriptorQueue& queue) mutable {
        keep(queue_name(next++), queue.sockets());
    };
    auto vault = Vault::open(std::move(queues), std::move(keep_queue));
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
