// What a client sees of a broker that goes away, is silent, or comes back.
#include "tests/support/proxy.h"
#include "tests/support/with_broker.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <atomic>
#include <functional>
#include <thread>

namespace memshare::test {
namespace {

proto::Fd listening_at(const std::string& path, int backlog) {
    proto::Fd socket = proto::Fd::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    listen(socket.number(), backlog);
    return socket;
}

constexpr milliseconds short_timeout{300};
constexpr milliseconds some_more{sanitized ? 5000 : 1000}; // than the timeout takes a call on a busy machine

class AClientWhoseBroker : public WithBroker {
  protected:
    // How long a call took that ended with broker_lost.
    milliseconds time_to_lose(Broker& client) const {
        const auto start = Clock::now();
        EXPECT_EQ(error_of([&] { client.list(); }).code(), Errc::broker_lost);
        return duration_cast<milliseconds>(Clock::now() - start);
    }

    Broker hasty{daemon.socket_path(), {.timeout = short_timeout}};
};

TEST_F(AClientWhoseBroker, IsKilledLearnsItWithinItsTimeout) {
    const auto made = Value<int>::create("num", 1, {.broker = &hasty});
    daemon.kill();
    const auto time = time_to_lose(hasty);
    EXPECT_GE(time, short_timeout / 2);
    EXPECT_LT(time, short_timeout + some_more);
}

TEST_F(AClientWhoseBroker, IsKilledInACallLearnsItWithinItsTimeout) {
    hasty.version();
    stop(daemon.pid());
    std::atomic<bool> calling = false;
    std::jthread killer([&] {
        calling.wait(false);
        daemon.kill();
    });
    calling = true;
    calling.notify_one();
    EXPECT_LT(time_to_lose(hasty), short_timeout + some_more);
}

TEST_F(AClientWhoseBroker, DoesNotAnswerGivesUpWithinItsTimeout) {
    hasty.version();
    stop(daemon.pid());
    const auto time = time_to_lose(hasty);
    EXPECT_GE(time, short_timeout);
    EXPECT_LT(time, short_timeout + some_more);
    go_on(daemon.pid());
    EXPECT_NO_THROW(hasty.list());
}

TEST_F(AClientWhoseBroker, DoesNotAnswerGivesUpAfterFiveSecondsUnlessItIsToldOtherwise) {
    broker.version();
    stop(daemon.pid());
    const auto time = time_to_lose(broker);
    EXPECT_GE(time, seconds(5));
    EXPECT_LT(time, seconds(5) + some_more);
    go_on(daemon.pid());
}

// What was given up is carried out when the broker goes on, and then taken back.
TEST_F(AClientWhoseBroker, AnswersTooLateHasNothingAttached) {
    const auto made = Value<int>::create("num", 1, {.lifetime = Lifetime::persistent, .broker = &broker});
    hasty.version();
    stop(daemon.pid());
    EXPECT_THROW(Value<int>::open("num", {.broker = &hasty}), Error);
    go_on(daemon.pid());
    {
        const auto opened = Value<int>::open("num", {.broker = &hasty});
        EXPECT_EQ(broker.describe("num").segment.attachments, 2U);
    }
    hasty.list("none"); // so that it is told that this handle is gone
    EXPECT_EQ(broker.describe("num").segment.attachments, 1U) << "there is no other";
}

TEST_F(AClientWhoseBroker, AnswersTooLateHasNothingCreated) {
    hasty.version();
    stop(daemon.pid());
    EXPECT_THROW(Value<int>::create("num", 1, {.lifetime = Lifetime::persistent, .broker = &hasty}), Error);
    go_on(daemon.pid());
    EXPECT_TRUE(hasty.list("num").empty());
    EXPECT_EQ(Value<int>::create("num", 2, {.broker = &hasty}).load(), 2);
}

// As a profiler does. A connect(2) with a time limit is not resumed by the kernel.
TEST(WithAFullBroker, ACallGivesUpWithinItsTimeoutThoughSignalsCome) {
    const Folder folder;
    const proto::Fd full = listening_at(folder / "socket", 0);
    const RawPeer first(folder / "socket");
    struct sigaction action{};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, nullptr);
    const itimerval often{.it_interval = {.tv_sec = 0, .tv_usec = 20'000},
                          .it_value = {.tv_sec = 0, .tv_usec = 1}};
    setitimer(ITIMER_REAL, &often, nullptr);
    Broker broker(folder / "socket", {.timeout = short_timeout});
    const auto start = Clock::now();
    EXPECT_EQ(error_of([&] { broker.version(); }).code(), Errc::no_broker);
    EXPECT_LT(Clock::now() - start, short_timeout + some_more);
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
}

TEST_F(AClientWhoseBroker, DoesNotAnswerGivesUpWithinTheLimitOfItsThread) {
    Broker patient{daemon.socket_path()};
    patient.version();
    const auto all = patient.timeout();
    stop(daemon.pid());
    {
        const CallLimit limit(short_timeout);
        const CallLimit longer(all);
        EXPECT_EQ(patient.timeout(), short_timeout);
        EXPECT_LT(time_to_lose(patient), short_timeout + some_more);
        std::jthread([&] { EXPECT_EQ(patient.timeout(), all); });
    }
    EXPECT_EQ(patient.timeout(), all);
    go_on(daemon.pid());
}

TEST_F(AClientWhoseBroker, DoesNotAnswerGivesUpInManyThreadsWithinTheSameTimeout) {
    hasty.version();
    stop(daemon.pid());
    const auto start = Clock::now();
    std::vector<std::jthread> threads;
    constexpr int many = 2 * (short_timeout + some_more) / short_timeout; // one after the other would be late
    for (int i = 0; i < many; ++i) {
        threads.emplace_back([&] { time_to_lose(hasty); });
    }
    threads.clear();
    EXPECT_LT(Clock::now() - start, short_timeout + some_more);
    go_on(daemon.pid());
}

TEST_F(AClientWhoseBroker, IsStartedAgainNoticesNothingButWhatIsLost) {
    auto old = Value<int>::create("num", 1, {.broker = &broker});
    ChildProcess starter([&](Lines& parent) { // another process, as a fork would wait for the call
        parent.hear();
        start_broker({"--socket", daemon.socket_path()}, "/dev/null");
        parent.hear();
    });
    daemon.kill();
    starter.say("go");
    EXPECT_TRUE(broker.list().empty());
    const auto fresh = Value<int>::create("num", 2, {.broker = &broker});
    EXPECT_EQ(old.load(), 1);
    EXPECT_FALSE(old.alive());
    starter.kill();
}

TEST_F(AClientWhoseBroker, IsAwayLocksAndWaitsAllTheWhile) {
    auto made = Value<int>::create("num", 1, {.mode = 0666, .broker = &broker});
    ChildProcess other([&](Lines& parent) {
        Broker own(daemon.socket_path());
        auto same = Value<int>::open("num", {.broker = &own});
        parent.say("opened");
        parent.hear();
        const std::scoped_lock lock(same.mutex());
        same.store(2);
    });
    ASSERT_EQ(other.hear(), "opened");
    daemon.kill();
    other.say("the broker is gone");
    made.wait(1);
    const std::scoped_lock lock(made.mutex());
    EXPECT_EQ(made.load(), 2);
    EXPECT_EQ(other.wait(), 0);
}

// Each call is lost once, in one way or the other, and made again.
class AClientWhoseLine : public WithBroker {
  protected:
    // From here on the next call of this method is not heard, or not answered.
    void cut(const std::string& method, Proxy::Fate fate) {
        fate_ = fate;
        method_ = method;
        is_cut_ = false;
        cuts_next_ = true;
    }
    bool is_cut() const { return is_cut_; }

    // As the broker says, asked on another line.
    std::uint64_t attachments(const std::string& name) { return broker.describe(name).segment.attachments; }

    // Done when a line is cut, before the client can notice.
    std::function<void()> on_cut = [] {};

    Folder folder;
    Proxy proxy{folder / "socket", daemon.socket_path(),
                [this](const std::string& method) {
                    if (!cuts_next_ || method != method_) {
                        return Proxy::Fate::pass;
                    }
                    cuts_next_ = false;
                    is_cut_ = true;
                    return fate_;
                },
                [this] { std::exchange(on_cut, [] {})(); }};
    Broker client{folder / "socket"};

  private:
    std::string method_;
    Proxy::Fate fate_{};
    std::atomic<bool> cuts_next_ = false, is_cut_ = false;
};

constexpr std::array both{Proxy::Fate::lose_call, Proxy::Fate::lose_answer};

TEST_F(AClientWhoseLine, IsCutInACreateMakesOneSegment) {
    for (const auto fate : both) {
        cut("Create", fate);
        const auto made = Value<int>::create("num", 7, {.broker = &client});
        EXPECT_TRUE(is_cut());
        EXPECT_EQ(Value<int>::open("num", {.broker = &broker}).load(), 7);
        EXPECT_EQ(broker.list().size(), 1U);
        client.destroy("num");
    }
}

TEST_F(AClientWhoseLine, IsCutInAnAttachHasAttachedOnce) {
    const auto made = Value<int>::create("num", 7, {.mode = 0600, .broker = &broker});
    for (const auto fate : both) {
        cut("Attach", fate);
        {
            const auto opened = Value<int>::open("num", {.broker = &client});
            EXPECT_TRUE(is_cut());
            EXPECT_EQ(opened.load(), 7);
            EXPECT_EQ(attachments("num"), 2U);
        }
        client.version(); // which is answered after what was told before
        client.list("none");
        EXPECT_EQ(attachments("num"), 1U);
    }
}

TEST_F(AClientWhoseLine, IsCutInADetachHasDetachedOnce) {
    const auto made = Value<int>::create("num", 7, {.broker = &broker});
    for (const auto fate : both) {
        std::optional first(Value<int>::open("num", {.broker = &client}));
        std::optional second(Value<int>::open("num", {.broker = &client}));
        cut("Detach", fate);
        first.reset();
        client.list("none");
        EXPECT_TRUE(is_cut());
        EXPECT_EQ(attachments("num"), 2U) << "the other handle has it still";
        second.reset();
        client.list("none");
        EXPECT_EQ(attachments("num"), 1U);
    }
}

TEST_F(AClientWhoseLine, IsCutInADestroyHasDestroyedItAndNothingElse) {
    for (const auto fate : both) {
        const auto made = Value<int>::create("num", 7, {.broker = &broker});
        cut("Destroy", fate);
        client.destroy("num");
        EXPECT_TRUE(is_cut());
        EXPECT_TRUE(broker.list().empty());
    }
    EXPECT_EQ(error_of([&] { client.destroy("none"); }).code(), Errc::no_such_segment);
}

// The word is tried as a name first.
TEST_F(AClientWhoseLine, IsCutInADestroyByIdHasDestroyedIt) {
    for (const auto fate : both) {
        const auto made = Value<int>::create("num", 7, {.broker = &broker});
        cut("Destroy", fate);
        client.destroy(made.info().id);
        EXPECT_TRUE(is_cut());
        EXPECT_TRUE(broker.list().empty());
    }
}

// The first attempt's name is another segment's by the time of the second.
TEST_F(AClientWhoseLine, IsCutInAnAttachHasWhatItAttachedThen) {
    std::optional old(Value<int>::create("num", 1, {.broker = &broker}));
    cut("Attach", Proxy::Fate::lose_answer);
    on_cut = [&] {
        broker.destroy("num");
        old.emplace(Value<int>::create("num", 2, {.broker = &broker}));
    };
    {
        const auto opened = Value<int>::open("num", {.broker = &client});
        EXPECT_EQ(opened.load(), 1);
    }
    client.list("none");
    EXPECT_EQ(attachments("num"), 1U);
    EXPECT_EQ(broker.statistics().total.at(1).used, 1U) << "segments";
}

TEST_F(AClientWhoseLine, IsCutInAListTakesItFromTheStart) {
    std::vector<Value<int>> many;
    for (int number = 0; number < 300; ++number) {
        many.push_back(Value<int>::create(unnamed, number, {.broker = &broker}));
    }
    for (const auto fate : both) {
        cut("List", fate);
        EXPECT_EQ(client.list().size(), many.size());
        EXPECT_TRUE(is_cut());
    }
}

TEST_F(AClientWhoseLine, IsCutInAnyOtherCallGetsItsAnswer) {
    auto made = Value<int>::create(unnamed, 7, {.freezable = true, .broker = &client});
    const std::string id = made.info().id;
    for (const auto fate : both) {
        for (const std::string method : {"Describe", "Change", "Statistics"}) {
            cut(method, fate);
            EXPECT_TRUE(made.alive());
            client.change(id, {.mode = 0640});
            EXPECT_FALSE(client.statistics().total.empty());
            EXPECT_TRUE(is_cut()) << method;
        }
    }
    cut("Freeze", Proxy::Fate::lose_answer);
    const auto frozen = std::move(made).freeze();
    EXPECT_TRUE(is_cut());
    EXPECT_TRUE(client.describe(id).segment.frozen);
}

TEST_F(AClientWhoseLine, IsCutKeepsItsLocks) {
    auto made = Value<int>::create("num", 7, {.broker = &client});
    made.mutex().lock();
    cut("List", Proxy::Fate::lose_answer);
    client.list();
    EXPECT_TRUE(is_cut());
    ChildProcess other([&](Lines&) {
        Broker own(daemon.socket_path());
        auto same = Value<int>::open("num", {.broker = &own});
        EXPECT_FALSE(same.mutex().try_lock());
    });
    EXPECT_EQ(other.wait(), 0);
    made.mutex().unlock();
}

} // namespace
} // namespace memshare::test
