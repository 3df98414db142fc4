// The daemon is killed and started again by a service manager that keeps what it asks for: nothing is lost.
#include "tests/support/service_manager.h"
#include "tests/support/with_broker.h"

#include <gtest/gtest.h>

namespace memshare::test {
namespace {

class AService : public testing::Test {
  protected:
    void kill_and_start() {
        service.kill();
        service.start();
    }

    ServiceManager service;
    Broker broker{service.socket_path()};
};

TEST_F(AService, HasItsSegmentsAfterItWasKilled) {
    auto value = Value<int>::create("mine", 7, {.mode = 0640, .broker = &broker});
    const auto before = broker.describe("mine");
    kill_and_start();
    const auto after = broker.describe("mine");
    EXPECT_EQ(after.segment.id, before.segment.id);
    EXPECT_EQ(after.segment.mode, 0640U);
    EXPECT_EQ(after.attachments.size(), 1U);
    EXPECT_EQ(after.attachments.at(0).pid, getpid());
    EXPECT_EQ(Value<int>::open("mine", {.broker = &broker}).load(), 7);
    EXPECT_TRUE(value.alive());
}

} // namespace
} // namespace memshare::test
