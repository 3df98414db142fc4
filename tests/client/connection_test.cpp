// What a client sees of a broker that is there, that is not, and that is mad.
#include "proto/limits.h"
#include "tests/support/raw_peer.h"
#include "tests/support/service_manager.h"
#include "tests/support/with_broker.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
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

TEST_F(AClient, IsToldAtOnceThatABrokerTakesNoOtherTextThanUtf8) {
    const auto start = Clock::now();
    for (const char* bad : {"\xFF", "a\xC3", "\xED\xA0\x80"}) {
        EXPECT_EQ(error_of([&] { broker.list(bad); }).code(), Errc::invalid_argument);
        EXPECT_EQ(error_of([&] { broker.watch(bad, [](const Event&) { return false; }); }).code(),
                  Errc::invalid_argument);
        EXPECT_EQ(error_of([&] { broker.describe(bad); }).code(), Errc::invalid_argument);
        EXPECT_EQ(error_of([&] { Value<int>::create(bad, 1, {.broker = &broker}); }).code(),
                  Errc::invalid_argument);
    }
    EXPECT_LT(Clock::now() - start, seconds(1));
    EXPECT_EQ(error_of([&] { broker.list("\xFF"); }).code(),
              std::errc::invalid_argument); // as the system says it
}

TEST_F(AClient, MayHaveAProgramNameOfAnyBytes) {
    ChildProcess child([&](Lines&) {
        std::string name = "b\xFF";
        program_invocation_short_name = name.data();
        Broker own(daemon.socket_path());
        const auto made = Value<int>::create("num", 1, {.broker = &own});
        EXPECT_EQ(made.info().creator_program, "b?");
    });
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(AClient, FindsItsBrokerByARelativePathAlsoInAnotherFolder) {
    const std::filesystem::path socket = daemon.socket_path();
    ChildProcess child([&](Lines&) {
        ASSERT_EQ(chdir(socket.parent_path().c_str()), 0);
        setenv("MEMSHARE_SOCKET", socket.filename().c_str(), 1);
        Broker own(socket.filename().string());
        EXPECT_EQ(Broker::local().socket_path(), socket);
        ASSERT_EQ(chdir("/"), 0);
        EXPECT_NO_THROW(own.version());
        EXPECT_NO_THROW(Broker::local().version());
    });
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(AClient, FindsASegmentByItsNameWithAndWithoutASlash) {
    const auto made = Value<int>::create("/cam", 1, {.broker = &broker});
    EXPECT_EQ(made.info().name, "cam");
    EXPECT_EQ(Value<int>::open("cam", {.broker = &broker}).info().id, made.info().id);
    EXPECT_EQ(error_of([&] { Value<int>::create("cam", 1, {.broker = &broker}); }).code(), Errc::name_taken);
    EXPECT_TRUE(lists(broker, "/cam"));
    broker.destroy("/cam");
    EXPECT_FALSE(lists(broker, "cam"));
}

// The broker is away when they let go, and comes back when they cannot tell it any more.
TEST(ABrokerObjectThatEndsWhileTheBrokerIsAway, HasItToldOfTheDetachAllTheSame) {
    ServiceManager service;
    Broker observer(service.socket_path());
    const auto watched = Value<int>::create("num", 1, {.broker = &observer});
    {
        auto other = std::make_optional<Broker>(service.socket_path());
        std::optional opened = Value<int>::open("num", {.broker = &*other});
        EXPECT_EQ(observer.describe("num").attachments.size(), 2U);
        service.kill();
        opened.reset();
        other.reset();
    }
    service.start();
    EXPECT_TRUE(eventually([&] { return observer.describe("num").attachments.size() == 1; }));
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

// A broker that says hello, and ends the connection when it is asked anything else.
class ABrokerThatHangsUp : public testing::Test {
  protected:
    ABrokerThatHangsUp() {
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
        bind(listening_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
        listen(listening_.number(), 8);
        answering_ = std::jthread([this] {
            while (true) {
                auto connected = proto::Fd::adopt(accept(listening_.number(), nullptr, nullptr));
                if (!connected) {
                    return;
                }
                RawPeer client(std::move(connected));
                client.receive();
                client.send(std::string(R"({"parameters":{"holder":1,"token":"t","version":"1"}})") + '\0');
                client.receive();
            }
        });
    }
    ~ABrokerThatHangsUp() override { shutdown(listening_.number(), SHUT_RDWR); }

    Folder folder_;
    std::string path_ = folder_ / "socket";
    proto::Fd listening_ = proto::Fd::adopt(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    std::jthread answering_;
};

TEST_F(ABrokerThatHangsUp, OnACallIsAnErrorSoonerThanTheTimeout) {
    Broker broker(path_, {.timeout = std::chrono::minutes(1)});
    const auto start = Clock::now();
    const Error error = error_of([&] { broker.list(); });
    EXPECT_EQ(error.code(), Errc::broker_lost);
    EXPECT_NE(std::string(error.what()).find("when it was asked this"), std::string::npos) << error.what();
    EXPECT_LT(Clock::now() - start, long_enough);
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
