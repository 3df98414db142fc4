// The usual test of a hostile peer: whatever it does, another client's calls keep answering meanwhile, and
// when it is gone the daemon has the descriptors that it had before.
#pragma once

#include "tests/support/bystander.h"
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

namespace memshare::test {

// What a call may take while somebody disturbs: on a busy machine of two processors.
inline constexpr milliseconds undisturbed{sanitized ? 1500 : 200};

class Disturbed : public WithBroker {
  public:
    explicit Disturbed(const BrokerProcess::Arguments& arguments = {}) : WithBroker(arguments) {}

  protected:
    void SetUp() override {
        broker.version();
        before_ = daemon.open_fds();
        bystander_.emplace(daemon.socket_path());
        prefer(daemon.pid());
        prefer(bystander_->pid());
    }

    void TearDown() override {
        const auto saw = bystander_->leave();
        EXPECT_GE(saw.calls, 4U);
        EXPECT_LT(saw.longest, undisturbed);
        EXPECT_TRUE(eventually([&] { return daemon.open_fds() == before_; }))
            << daemon.open_fds() << " descriptors, and " << before_ << " before";
    }

    // How many descriptors the daemon has for others than the bystander and this process.
    std::size_t fds_for_others() const {
        constexpr std::size_t session_and_segment = 3;
        const std::size_t now = daemon.open_fds();
        return now - std::min(now, before_ + session_and_segment);
    }

  private:
    std::size_t before_ = 0;
    std::optional<Bystander> bystander_;
};

} // namespace memshare::test
