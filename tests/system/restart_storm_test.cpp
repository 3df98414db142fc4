// A daemon that is killed all the time, while its clients do all that clients do: none of them notices more
// than that a call takes longer.
//
// How often it is killed is $MEMSHARE_TEST_KILLS.
#include "tests/support/service_manager.h"
#include "tests/system/storm.h"

#include <gtest/gtest.h>

#include <iostream>

namespace memshare::test {
namespace {

class AServiceThatIsKilledAllTheTime : public testing::Test {
  protected:
    void expect_nothing_lost() {
        storm.end();
        EXPECT_LE(service.kept(), 8U);
        std::cout << "    " << kills << " kills; " << storm.summary() << '\n';
    }

    const std::uint64_t kills = setting("MEMSHARE_TEST_KILLS", 20);
    Chance chance;
    ServiceManager service;
    Storm storm{service.socket_path()};
};

TEST_F(AServiceThatIsKilledAllTheTime, LosesNothing) {
    for (std::uint64_t kill = 0; kill < kills; ++kill) {
        chance.pause(milliseconds(20));
        service.kill();
        service.start();
        ASSERT_TRUE(storm.get_on()) << service.log();
    }
    expect_nothing_lost();
}

TEST_F(AServiceThatIsKilledAllTheTime, LosesNothingWhileItComesBack) {
    for (std::uint64_t kill = 0; kill < kills; ++kill) {
        ASSERT_TRUE(storm.get_on()) << service.log();
        service.kill();
        service.start_without_waiting();
        chance.pause(milliseconds(6));
        service.kill();
        service.start();
    }
    expect_nothing_lost();
}

} // namespace
} // namespace memshare::test
