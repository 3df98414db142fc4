// Descriptors that peers pass to the daemon: it takes none, and none of them makes it wait. Closing a TCP
// socket with SO_LINGER takes as long as its owner has chosen.
#include "tests/support/broker_process.h"
#include "tests/support/child_process.h"
#include "tests/support/older_kernel.h"
#include "tests/support/raw_peer.h"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <tuple>

namespace memshare::test {
namespace {

using proto::Fd;

enum class Kernel { newer, older };

// Nobody may wait for a socket as long as it lingers.
constexpr seconds soon{2}, lingers{20};

std::pair<Fd, Fd> connected_by_tcp() {
    const Fd listening = Fd::adopt(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int small = 4096;
    setsockopt(listening.number(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const where = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listening.number(), where, size), 0);
    EXPECT_EQ(listen(listening.number(), 1), 0);
    EXPECT_EQ(getsockname(listening.number(), where, &size), 0);
    Fd near = Fd::adopt(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(near.number(), where, size), 0);
    return {std::move(near), Fd::adopt(accept4(listening.number(), nullptr, nullptr, SOCK_CLOEXEC))};
}

// A socket whose last close waits until its data are read.
class Lingering {
  public:
    Lingering() {
        std::tie(near_, far_) = connected_by_tcp();
        const linger on{.l_onoff = 1, .l_linger = static_cast<int>(lingers.count())};
        EXPECT_EQ(setsockopt(near_.number(), SOL_SOCKET, SO_LINGER, &on, sizeof(on)), 0);
        const std::array<char, 65536> data{};
        while (send(near_.number(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
        }
    }

    int number() const { return near_.number(); }

    // Closes ours: another's is the last one, or, if nobody else has one, it is closed at once.
    void close_ours(bool others_have_it) {
        if (!others_have_it) {
            const linger off{};
            setsockopt(near_.number(), SOL_SOCKET, SO_LINGER, &off, sizeof(off));
        }
        near_.close();
    }

    // Whether the last one is closed, once all data are read.
    bool is_closed_when_all_is_read() const {
        std::array<char, 65536> data{};
        pollfd ready{.fd = far_.number(), .events = POLLIN, .revents = 0};
        while (poll(&ready, 1, static_cast<int>(milliseconds(long_enough).count())) == 1) {
            if (recv(far_.number(), data.data(), data.size(), MSG_DONTWAIT) <= 0) {
                return true;
            }
        }
        return false;
    }

  private:
    Fd near_, far_;
};

// Sends a byte and a descriptor, without waiting.
bool send_one_message(int through, int fd) {
    char byte = '{';
    iovec part{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &fd, sizeof(int));
    return sendmsg(through, &header, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

class ADescriptorOfAPeer : public testing::TestWithParam<Kernel> {
  protected:
    void SetUp() override {
        if (GetParam() == Kernel::newer && !sockets_can_refuse_descriptors()) {
            GTEST_SKIP() << "this kernel's sockets cannot refuse descriptors (Linux 6.16 can)";
        }
        start({});
    }

    // A daemon that knows this kernel, in a process that does nothing else.
    void start(const std::vector<int>& sockets) {
        host_.emplace([&](Lines& parent) {
            if (GetParam() == Kernel::older) {
                pretend_that_sockets_take_all_descriptors();
            }
            BrokerProcess::Arguments arguments;
            if (sockets.empty()) {
                arguments = {"--socket", socket_path()};
            }
            const auto started = start_broker(arguments, folder_ / "log", sockets);
            parent.say(std::to_string(started.pid));
            parent.hear();
            const auto asked = Clock::now();
            send_signal(started.pid, SIGTERM);
            EXPECT_EQ(wait_for_end(started.pid), 0);
            EXPECT_LT(Clock::now() - asked, soon) << "from SIGTERM to its end";
        });
        daemon_ = std::stoi(host_->hear());
        ASSERT_NE(daemon_, 0);
        bystander_.emplace(socket_path()).call("List");
        idle_ = open_fds(daemon_);
    }

    void TearDown() override {
        if (host_) {
            EXPECT_TRUE(is_idle_again()) << open_fds(daemon_) << " descriptors, and " << idle_ << " before";
            EXPECT_TRUE(answers_soon());
            host_->say("end");
            EXPECT_EQ(host_->wait(), 0);
        }
    }

    std::string socket_path() const { return folder_ / "socket"; }
    bool is_idle_again() const {
        return eventually([&] { return open_fds(daemon_) <= idle_; });
    }
    bool answers_soon() {
        const auto asked = Clock::now();
        bystander_->call("List");
        return Clock::now() - asked < soon;
    }

    // The same of a socket, whose last owner is the daemon or the kernel on its way there: the daemon stands
    // still until this process has closed its own.
    void expect_refused(RawPeer& peer, std::string_view bytes, Lingering& socket) {
        stop_the_daemon();
        const bool is_sent = peer.send(bytes, std::array{socket.number()});
        socket.close_ours(is_sent);
        send_signal(daemon_, SIGCONT);
        EXPECT_EQ(is_sent, GetParam() == Kernel::older);
        EXPECT_EQ(is_sent && peer.is_ended(), is_sent);
    }
    void stop_the_daemon() const {
        send_signal(daemon_, SIGSTOP);
        EXPECT_TRUE(eventually([&] {
            std::ifstream file("/proc/" + std::to_string(daemon_) + "/stat");
            const std::string stat{std::istreambuf_iterator<char>(file), {}};
            return stat.contains(") T ");
        }));
    }

    // What is passed is refused: by the kernel, or by the daemon, which ends the conversation.
    void expect_refused(RawPeer& peer, std::string_view bytes, std::span<const int> fds) {
        const bool is_sent = peer.send(bytes, fds);
        EXPECT_EQ(is_sent, GetParam() == Kernel::older);
        EXPECT_EQ(is_sent && peer.is_ended(), is_sent);
    }

    std::size_t counted_descriptors() {
        for (const Json& user : bystander_->call("Statistics")["users"]) {
            for (const Json& usage : user["usage"]) {
                if (user["uid"] == getuid() && usage["resource"] == "descriptors") {
                    return usage["used"];
                }
            }
        }
        return 0;
    }

    Folder folder_;
    std::optional<ChildProcess> host_;
    std::optional<RawPeer> bystander_;
    pid_t daemon_ = 0;
    std::size_t idle_ = 0;
};

TEST_P(ADescriptorOfAPeer, BesideACallHoldsUpNobody) {
    Lingering socket;
    RawPeer peer(socket_path());
    expect_refused(peer, RawPeer::text_of("List"), socket);
    EXPECT_TRUE(answers_soon());
}

TEST_P(ADescriptorOfAPeer, InHalfAMessageHoldsUpNobody) {
    Lingering socket;
    {
        RawPeer peer(socket_path());
        expect_refused(peer, "{", socket);
    }
    EXPECT_TRUE(is_idle_again());
    EXPECT_TRUE(answers_soon());
}

TEST_P(ADescriptorOfAPeer, InTheMiddleOfAMessageHoldsUpNobody) {
    Lingering socket;
    RawPeer peer(socket_path());
    ASSERT_TRUE(peer.send(R"({"method":"io.mem)"));
    expect_refused(peer, "share.Broker.List\"}", socket);
    EXPECT_TRUE(answers_soon());
}

// It lies behind calls whose replies nobody reads.
TEST_P(ADescriptorOfAPeer, ThatIsNeverReceivedHoldsUpNobody) {
    Lingering socket;
    {
        RawPeer peer(socket_path());
        const std::string call = RawPeer::text_of("org.varlink.service.GetInfo");
        for (int calls = 0; calls < 200; ++calls) { // the daemon reads on when some replies are read
            ASSERT_TRUE(peer.send_what_goes(call));
        }
        EXPECT_TRUE(answers_soon());
        stop_the_daemon();
        const bool is_sent = send_one_message(peer.socket(), socket.number());
        socket.close_ours(is_sent);
        peer.close();
        send_signal(daemon_, SIGCONT);
        EXPECT_EQ(is_sent, GetParam() == Kernel::older);
    }
    EXPECT_TRUE(is_idle_again());
    EXPECT_TRUE(answers_soon());
}

TEST_P(ADescriptorOfAPeer, IsNeverHeld) {
    std::vector<RawPeer> peers;
    for (int connection = 0; connection < 20; ++connection) {
        const std::vector<int> many(253, STDERR_FILENO);
        expect_refused(peers.emplace_back(socket_path()), "{", many);
    }
    EXPECT_LE(open_fds(daemon_), idle_ + 2 * peers.size());
    peers.clear();
}

TEST_P(ADescriptorOfAPeer, CountsForItsUserUntilItIsClosed) {
    const std::size_t before = counted_descriptors();
    Lingering socket;
    RawPeer peer(socket_path());
    expect_refused(peer, "{", socket);
    peer.close();
    EXPECT_TRUE(is_idle_again());
    EXPECT_EQ(counted_descriptors(), before + (GetParam() == Kernel::older ? 1U : 0U));
    EXPECT_TRUE(socket.is_closed_when_all_is_read());
    EXPECT_TRUE(eventually([&] { return counted_descriptors() == before; }));
}

TEST_P(ADescriptorOfAPeer, ThatWasSentBeforeTheDaemonStartedHoldsUpNobody) {
    host_->say("end");
    EXPECT_EQ(host_->wait(), 0);
    const Fd listening = Fd::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    socket_path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(bind(listening.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(listen(listening.number(), 10), 0);
    Lingering socket;
    RawPeer early(socket_path());
    ASSERT_TRUE(early.send(RawPeer::text_of("List"), std::array{socket.number()}));
    RawPeer honest(socket_path());
    ASSERT_TRUE(honest.send_call("List"));
    socket.close_ours(/*others_have_it=*/true);
    start({listening.number()});
    EXPECT_TRUE(early.is_ended());
    EXPECT_TRUE(honest.receive());
    EXPECT_TRUE(answers_soon());
    if (GetParam() == Kernel::newer) {
        EXPECT_FALSE(honest.send(RawPeer::text_of("List"), std::array{STDERR_FILENO}));
    }
}

TEST_P(ADescriptorOfAPeer, ThatIsStillBeingClosedHoldsUpNoEnd) {
    Lingering socket;
    RawPeer peer(socket_path());
    expect_refused(peer, "{", socket);
    EXPECT_TRUE(answers_soon());
    host_->say("end");
    EXPECT_EQ(host_->wait(), 0);
    host_.reset();
}

INSTANTIATE_TEST_SUITE_P(WithEachKernel, ADescriptorOfAPeer, testing::Values(Kernel::newer, Kernel::older),
                         [](const auto& kernel) {
                             return kernel.param == Kernel::newer ? "ThatRefusesIt" : "ThatDoesNot";
                         });

} // namespace
} // namespace memshare::test
