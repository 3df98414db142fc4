// A daemon that is killed all the time while four users attack it: the clients of others lose nothing.
//
// How often it is killed is $MEMSHARE_TEST_KILLS.
#include "tests/support/service_manager.h"
#include "tests/system/attack/attackers.h"
#include "tests/system/storm.h"

#include <gtest/gtest.h>

#include <iostream>

namespace memshare::test {
namespace {

TEST(AServiceThatIsAttackedAndKilledAllTheTime, LosesNothing) {
    NEEDS_ROOT();
    const std::uint64_t kills = setting("MEMSHARE_TEST_KILLS", 5);
    Chance chance;
    ServiceManager service;
    Storm storm(service.socket_path());
    Attackers attackers(service.socket_path());
    for (std::uint64_t kill = 0; kill < kills; ++kill) {
        chance.pause(milliseconds(100));
        service.kill();
        service.start();
        ASSERT_TRUE(storm.get_on()) << service.log();
    }
    std::cout << "    " << kills << " kills; " << storm.summary()
              << "\n    rounds of attacks: " << attackers.summary() << '\n';
    attackers.end();
    // Their processes are dead, but the broker ends sessions in steps.
    EXPECT_TRUE(eventually([&] { return Broker(service.socket_path()).statistics().users.size() == 1; }))
        << "they left something";
    storm.end();
}

} // namespace
} // namespace memshare::test
