// Who keeps the queues of a vault, and opens vaults of them as one process after the other does.
#pragma once

#include "daemon/vault.h"

#include <map>
#include <memory>
#include <utility>

namespace memshare::daemon {

class VaultKeeper {
  public:
    std::unique_ptr<Vault> open() {
        Vault::Queues queues;
        for (const auto& [number, sockets] : *kept_) {
            queues.emplace(number, DescriptorQueue::adopt(*proto::Fd::duplicate(sockets.first.number()),
                                                          *proto::Fd::duplicate(sockets.second.number())));
        }
        return *Vault::open(std::move(queues), std::make_unique<Keeper>(kept_));
    }

    std::size_t queues() const { return kept_->size(); }

  private:
    using Kept = std::map<std::size_t, std::pair<proto::Fd, proto::Fd>>;

    class Keeper final : public Vault::Keeper {
      public:
        explicit Keeper(std::shared_ptr<Kept> kept) : kept_(std::move(kept)) {}
        proto::Result<void> keep(std::size_t number, const DescriptorQueue& queue) override {
            const auto [one, other] = queue.sockets();
            kept_->emplace(number, std::pair(*proto::Fd::duplicate(one), *proto::Fd::duplicate(other)));
            return {};
        }
        void keep_no_more(std::size_t number) override { kept_->erase(number); }

      private:
        std::shared_ptr<Kept> kept_;
    };

    std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
};

} // namespace memshare::daemon
