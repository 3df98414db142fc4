// Who a real peer is, over a real connection.
#include "daemon/peer.h"

#include "tests/proto/descriptors.h"

#include <gtest/gtest.h>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <csignal>

namespace memshare::daemon {
namespace {

using proto::Fd;
using test::is_close_on_exec;
using test::open_fds;
using test::some_file;

// A socket at an address that the kernel chooses, and that is in no file
// system.
class Listener {
  public:
    Listener() : socket_(Fd::adopt(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))) {
        address_.sun_family = AF_UNIX;
        EXPECT_EQ(bind(socket_.number(), data(), sizeof(sa_family_t)), 0);
        EXPECT_EQ(getsockname(socket_.number(), data(), &size_), 0);
        EXPECT_EQ(listen(socket_.number(), 1), 0);
    }

    Fd connect() {
        Fd socket = Fd::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        return ::connect(socket.number(), data(), size_) == 0 ? std::move(socket) : Fd();
    }
    Fd accept() { return Fd::adopt(accept4(socket_.number(), nullptr, nullptr, SOCK_CLOEXEC)); }

  private:
    sockaddr* data() { return reinterpret_cast<sockaddr*>(&address_); }

    Fd socket_;
    sockaddr_un address_{};
    socklen_t size_ = sizeof(address_);
};

// A child that has connected, under a name of its own, and lives until it is
// killed.
class APeer : public testing::Test {
  protected:
    void SetUp() override {
        child_ = fork();
        if (child_ == 0) {
            prctl(PR_SET_NAME, "a\tpeer");
            const Fd connection = listener_.connect();
            while (true) {
                pause();
            }
        }
        connection_ = listener_.accept();
    }
    void TearDown() override {
        if (child_ > 0) {
            kill_and_reap();
        }
    }

    void kill_and_reap() {
        kill(child_, SIGKILL);
        EXPECT_EQ(waitpid(child_, nullptr, 0), child_);
        child_ = 0;
    }

    Listener listener_;
    Fd connection_;
    pid_t child_ = 0;
};

bool has_ended(const Peer& peer, int patience_ms) {
    pollfd process{.fd = peer.process->number(), .events = POLLIN, .revents = 0};
    return poll(&process, 1, patience_ms) == 1;
}

TEST_F(APeer, IsTheProcessThatHasConnected) {
    const auto peer = Peer::of(connection_.number());
    ASSERT_TRUE(peer) << peer.error().sentence();
    EXPECT_EQ(peer->pid, child_);
    EXPECT_EQ(peer->caller.uid, geteuid());
    EXPECT_EQ(peer->caller.gid, getegid());
}

TEST_F(APeer, HasTheGroupsThatTheKernelKnows) {
    std::vector<gid_t> groups(static_cast<std::size_t>(getgroups(0, nullptr)));
    ASSERT_GE(getgroups(static_cast<int>(groups.size()), groups.data()), 0);
    EXPECT_EQ(Peer::of(connection_.number())->caller.groups, Groups(groups));
}

TEST_F(APeer, IsCalledWhatTheKernelCallsItIfThatCanBeShown) {
    EXPECT_EQ(Peer::of(connection_.number())->program, "a?peer");
}

TEST_F(APeer, LivesUntilItsProcessEnds) {
    const auto peer = Peer::of(connection_.number());
    ASSERT_TRUE(peer);
    EXPECT_FALSE(has_ended(*peer, 0));
    kill_and_reap();
    EXPECT_TRUE(has_ended(*peer, 10'000));
}

TEST_F(APeer, ThatHasEndedAlreadyIsSeenToHaveEnded) {
    kill_and_reap();
    const auto peer = Peer::of(connection_.number());
    EXPECT_TRUE(!peer || has_ended(*peer, 0)); // which of the two depends on the kernel
}

TEST_F(APeer, IsWatchedThroughADescriptorThatIsCloseOnExec) {
    EXPECT_TRUE(is_close_on_exec(Peer::of(connection_.number())->process->number()));
}

TEST_F(APeer, LeavesNoDescriptorWhenItIsForgotten) {
    const std::size_t before = open_fds();
    EXPECT_TRUE(Peer::of(connection_.number()));
    EXPECT_EQ(open_fds(), before);
}

TEST(NoPeer, IsAtTheEndOfWhatIsNoSocket) {
    const auto peer = Peer::of(some_file().number());
    ASSERT_FALSE(peer);
    EXPECT_EQ(peer.error().during, "read the peer's credentials");
}

} // namespace
} // namespace memshare::daemon
