// A daemon that is given its socket, as by a service manager.
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>

namespace memshare::test {
namespace {

using proto::Fd;

class AnInheritedSocket : public testing::Test {
  protected:
    void start(std::vector<int> sockets) { started = start_broker({}, folder / "log", sockets); }

    void TearDown() override {
        if (started.pid != 0) {
            kill(started.pid, SIGTERM);
            EXPECT_EQ(wait_for_end(started.pid), 0);
        }
    }

    Fd listening_at(const std::string& path) const {
        Fd socket = Fd::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        path.copy(address.sun_path, sizeof(address.sun_path) - 1);
        EXPECT_EQ(bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
        EXPECT_EQ(listen(socket.number(), 100), 0);
        return socket;
    }

    Folder folder;
    Started started;
};

TEST_F(AnInheritedSocket, ThatListensIsServedAndLeftWhereItIs) {
    const Fd socket = listening_at(folder / "socket");
    start({socket.number()});
    Broker broker(folder / "socket");
    EXPECT_EQ(Value<int>::create("num", 1, {.broker = &broker}).load(), 1);
    kill(started.pid, SIGTERM);
    EXPECT_EQ(wait_for_end(std::exchange(started.pid, 0)), 0);
    EXPECT_TRUE(std::filesystem::exists(folder / "socket"));
}

TEST_F(AnInheritedSocket, HasItsEarlyCallersServed) {
    const Fd socket = listening_at(folder / "socket");
    RawPeer early(folder / "socket");
    early.send_call("List");
    start({socket.number()});
    EXPECT_TRUE(early.receive().value()["segments"].empty());
}

TEST_F(AnInheritedSocket, CanBeTwo) {
    const Fd first = listening_at(folder / "first");
    const Fd second = listening_at(folder / "second");
    start({first.number(), second.number()});
    Broker one(folder / "first");
    Broker other(folder / "second");
    const auto made = Value<int>::create("num", 1, {.broker = &one});
    EXPECT_TRUE(lists(other, "num"));
}

TEST_F(AnInheritedSocket, ThatIsConnectedIsSpokenOn) {
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    Fd theirs = Fd::adopt(ends[1]);
    start({theirs.number()});
    theirs.close();
    RawPeer peer(Fd::adopt(ends[0]));
    EXPECT_EQ(peer.call("Create", array_of_i32("mine")).fds.size(), 1U);
    EXPECT_EQ(peer.call("List")["segments"][0]["creator"]["pid"], getpid());
}

TEST_F(AnInheritedSocket, ThatNobodyCanReachIsRefused) {
    const Fd unconnected = Fd::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    start({unconnected.number()});
    EXPECT_EQ(started.pid, 0);
    EXPECT_EQ(started.exit_code, 1);
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    const Fd ours = Fd::adopt(ends[0]);
    Fd::adopt(ends[1]).close();
    start({ours.number()});
    EXPECT_EQ(started.pid, 0);
    EXPECT_EQ(started.exit_code, 1);
}

TEST_F(AnInheritedSocket, ThatIsNoneIsRefused) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    const Fd reading = Fd::adopt(ends[0]);
    const Fd writing = Fd::adopt(ends[1]);
    start({reading.number()});
    EXPECT_EQ(started.pid, 0);
    EXPECT_EQ(started.exit_code, 1);
}

} // namespace
} // namespace memshare::test
