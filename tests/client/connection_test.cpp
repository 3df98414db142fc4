// What a client sees of a broker that is there, that is not, and that is mad.
#include "proto/limits.h"
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

namespace memshare::test {
namespace {

using AClient = WithBroker;

TEST(WithoutABroker, ACallSaysHowToStartOne) {
    const Folder folder;
    Broker broker(folder / "nobody");
    const Error error = error_of([&] { broker.list(); });
    EXPECT_EQ(error.code(), Errc::no_broker);
    EXPECT_NE(std::string(error.what()).find("memshared --socket " + folder / "nobody"), std::string::npos)
        << error.what();
}

TEST(WithoutABroker, APathThatIsNoSocketIsAnError) {
    const Folder folder;
    Broker broker(std::string(200, 'x'));
    EXPECT_EQ(error_of([&] { broker.list(); }).code(), std::errc::filename_too_long);
}

TEST(WithoutABroker, ADefaultIsTheUsersOwnOrElseTheSystems) {
    const Folder folder;
    ChildProcess other([&](Lines&) {
        unsetenv("MEMSHARE_SOCKET");
        setenv("XDG_RUNTIME_DIR", folder.path().c_str(), 1);
        EXPECT_EQ(Broker::local().socket_path(), "/run/memshared/io.memshare.Broker");
    });
    EXPECT_EQ(other.wait(), 0);
}

TEST_F(AClient, MayDropWhatItHeldWhenTheBrokerIsGone) {
    std::optional value = Value<int>::create("num", 1, {.broker = &broker});
    daemon.kill();
    EXPECT_NO_THROW(value.reset());
}

TEST_F(AClient, MayUseABrokerFromManyThreads) {
    std::vector<std::jthread> threads;
    for (int number = 0; number < 4; ++number) {
        threads.emplace_back([&, number] {
            for (int round = 0; round < 100; ++round) {
                const auto mine = Value<int>::create("num" + std::to_string(number), round,
                                                     {.lifetime = Lifetime::attached, .broker = &broker});
                EXPECT_EQ(Value<int>::open(mine.info().name, {.broker = &broker}).load(), round);
            }
        });
    }
    threads.clear();
    EXPECT_TRUE(broker.list().empty());
}

TEST_F(AClient, IsNotDisturbedBySignals) {
    struct sigaction action{};
    action.sa_handler = [](int) {};
    sigaction(SIGUSR1, &action, nullptr);
    const pthread_t caller = pthread_self();
    std::jthread disturber([&](const std::stop_token& end) {
        while (!end.stop_requested()) {
            pthread_kill(caller, SIGUSR1);
            std::this_thread::yield();
        }
    });
    for (int round = 0; round < 500; ++round) {
        const auto made =
            Value<int>::create("num", round, {.lifetime = Lifetime::attached, .broker = &broker});
        EXPECT_EQ(made.load(), round);
    }
}

// What answers a call with so many bytes, and never with the end of a message.
std::jthread broker_without_end(const std::string& path, std::size_t bytes) {
    const int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    listen(listening, 1);
    return std::jthread([listening, bytes] {
        RawPeer client(proto::Fd::adopt(accept(listening, nullptr, nullptr)));
        client.send(std::string(bytes, ' '));
        close(listening);
    });
}

TEST(WithAMadBroker, ACallTakesNoMoreThanAReplyMayHave) {
    const Folder folder;
    const auto mad = broker_without_end(folder / "socket", proto::limits::reply_bytes + 1024 * 1024);
    Broker broker(folder / "socket");
    EXPECT_EQ(error_of([&] { broker.list(); }).code(), Errc::protocol_violation);
}

class OneSession : public WithBroker {
  public:
    OneSession() : WithBroker({"--sessions-per-user", "1"}) {}
};

TEST_F(OneSession, LeavesTheSecondClientTurnedAwayWithTheReasonEachTime) {
    broker.version();
    Broker second(daemon.socket_path());
    for (int attempt = 0; attempt < 3; ++attempt) {
        const Error error = error_of([&] { second.list(); });
        EXPECT_EQ(error.code(), Errc::quota_exceeded) << error.what();
    }
}

} // namespace
} // namespace memshare::test
