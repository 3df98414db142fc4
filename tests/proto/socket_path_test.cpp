#include "proto/socket_path.h"

#include "proto/socket_address.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace memshare::proto {
namespace {

// XDG_RUNTIME_DIR as this test wants it, and afterwards as it was.
class TheSocketOfAUser : public testing::Test {
  protected:
    void SetUp() override {
        if (const char* folder = std::getenv("XDG_RUNTIME_DIR")) {
            before_ = folder;
        }
    }
    void TearDown() override {
        before_ ? setenv("XDG_RUNTIME_DIR", before_->c_str(), 1) : unsetenv("XDG_RUNTIME_DIR");
    }

  private:
    std::optional<std::string> before_;
};

TEST_F(TheSocketOfAUser, IsNamedAfterTheInterfaceInTheRuntimeFolder) {
    setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1);
    EXPECT_EQ(user_socket_path(), "/run/user/1000/memshared/io.memshare.Broker");
}

TEST_F(TheSocketOfAUser, IsNowhereWithoutARuntimeFolder) {
    unsetenv("XDG_RUNTIME_DIR");
    EXPECT_FALSE(user_socket_path());
    setenv("XDG_RUNTIME_DIR", "", 1);
    EXPECT_FALSE(user_socket_path());
}

TEST(TheAbsolutePathOfASocket, BeginsInTheCurrentFolder) {
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path("/tmp");
    EXPECT_EQ(absolute_socket_path("socket"), "/tmp/socket");
    EXPECT_EQ(absolute_socket_path("./a/../socket"), "/tmp/socket");
    EXPECT_EQ(absolute_socket_path("/run/socket"), "/run/socket");
    std::filesystem::current_path(before);
}

TEST(TheAbsolutePathOfASocket, StaysAsItIsIfASocketCouldNotHaveIt) {
    EXPECT_EQ(absolute_socket_path(std::string(107, 'p')), std::string(107, 'p'));
    EXPECT_EQ(absolute_socket_path(""), "");
}

TEST(ASocketAddress, HasItsPathWithANulAfterIt) {
    const auto address = SocketAddress::of("/run/x");
    ASSERT_TRUE(address);
    EXPECT_STREQ(address->address.sun_path, "/run/x");
}

TEST(ASocketAddress, TakesAPathOf107BytesAndNoLonger) {
    EXPECT_TRUE(SocketAddress::of(std::string(107, 'p')));
    const auto longer = SocketAddress::of(std::string(108, 'p'));
    ASSERT_FALSE(longer);
    EXPECT_EQ(longer.error().code, std::errc::filename_too_long);
}

TEST(ASocketAddress, IsNotEmpty) { EXPECT_FALSE(SocketAddress::of("")); }

} // namespace
} // namespace memshare::proto
