// What the surroundings of a daemon do to it: limits and signals of the process that started it, a log that
// nobody reads.
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>

namespace memshare::test {
namespace {

using proto::Fd;

constexpr seconds soon{2};

// A daemon that a process starts after it has arranged something for itself.
class ADaemonThatIsStarted : public testing::Test {
  protected:
    void start(const std::function<void()>& arrange, const BrokerProcess::Arguments& more = {},
               const std::string& log = "log") {
        host_.emplace([&](Lines& parent) {
            arrange();
            BrokerProcess::Arguments arguments{"--socket", socket_path()};
            arguments.insert(arguments.end(), more.begin(), more.end());
            const auto started = start_broker(arguments, folder_ / log);
            parent.say(std::to_string(started.pid));
            parent.hear();
            const auto asked = Clock::now();
            send_signal(started.pid, SIGTERM);
            EXPECT_EQ(wait_for_end(started.pid), 0);
            EXPECT_LT(Clock::now() - asked, soon) << "from SIGTERM to its end";
        });
        ASSERT_NE(host_->hear(), "0");
    }
    void stop() {
        host_->say("end");
        EXPECT_EQ(host_->wait(), 0);
        host_.reset();
    }
    void TearDown() override {
        if (host_) {
            stop();
        }
    }

    std::string socket_path() const { return folder_ / "socket"; }
    bool answers_soon() {
        const auto asked = Clock::now();
        RawPeer(socket_path()).call("List");
        return Clock::now() - asked < soon;
    }
    void send_garbage() {
        RawPeer peer(socket_path());
        peer.send(std::string("garbage\0", 8));
        EXPECT_TRUE(peer.is_ended());
    }
    std::string log() const {
        std::ifstream file(folder_ / "log");
        return {std::istreambuf_iterator<char>(file), {}};
    }

    Folder folder_;
    std::optional<ChildProcess> host_;
};

TEST_F(ADaemonThatIsStarted, UnderALimitOfFileSizesRefusesWhatIsLarger) {
    start([] {
        const rlimit small{.rlim_cur = 100 * 1024, .rlim_max = 100 * 1024};
        EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    });
    RawPeer peer(socket_path());
    const auto refusal = peer.call("Create", array_of_i32("large", 1'000'000));
    EXPECT_EQ(refusal.error(), "io.memshare.Broker.QuotaExceeded");
    EXPECT_EQ(refusal["limit"], "totalFileSize");
    EXPECT_EQ(refusal["allowed"], 100 * 1024);
    EXPECT_EQ(peer.call("Create", array_of_i32("small", 100)).error(), "");
}

TEST_F(ADaemonThatIsStarted, WithSignalsBlockedEndsByThemNevertheless) {
    start([] {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, nullptr);
    });
    EXPECT_TRUE(answers_soon());
}

class ADaemonWhoseLogIsAPipe : public ADaemonThatIsStarted {
  protected:
    void start_with_a_pipe(const BrokerProcess::Arguments& arguments = {}) {
        ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
        reading_ = Fd::adopt(open((folder_ / "pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        ASSERT_GE(fcntl(reading_.number(), F_SETPIPE_SZ, 4096), 0);
        start([&] { reading_.close(); }, arguments, "pipe");
    }
    // What has come since, and comes soon.
    std::string read_until(std::string_view words) {
        std::string said;
        eventually([&] {
            std::array<char, 4096> bytes{};
            const ssize_t size = read(reading_.number(), bytes.data(), bytes.size());
            said.append(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
            return said.contains(words);
        });
        return said;
    }

    Fd reading_;
};

TEST_F(ADaemonWhoseLogIsAPipe, LivesOnWhenItsReaderHasEnded) {
    start_with_a_pipe();
    reading_.close();
    for (int times = 0; times < 4; ++times) {
        send_garbage();
    }
    EXPECT_TRUE(answers_soon());
}

TEST_F(ADaemonWhoseLogIsAPipe, WaitsForNoReaderAndSaysHowMuchIsLost) {
    start_with_a_pipe({"--log-level", "debug"});
    for (int times = 0; times < 1500; ++times) {
        RawPeer(socket_path()).call("List");
    }
    EXPECT_TRUE(answers_soon());
    EXPECT_TRUE(read_until("entries of the log are lost").contains("entries of the log are lost"));
}

TEST_F(ADaemonWhoseLogIsAPipe, EndsThoughNobodyReads) {
    start_with_a_pipe({"--log-level", "debug"});
    for (int times = 0; times < 100; ++times) {
        RawPeer(socket_path()).call("List");
    }
    stop(); // which expects it soon
}

TEST_F(ADaemonThatIsStarted, WritesLittleAboutOneUserAndSaysHowMuchItLeavesOut) {
    start([] {});
    constexpr int times = 500;
    for (int time = 0; time < times; ++time) {
        send_garbage();
    }
    stop();
    const std::string said = log();
    EXPECT_LT(std::ranges::count(said, '\n'), 60);
    EXPECT_TRUE(
        said.contains("entries about processes of uid " + std::to_string(getuid()) + " were not written"))
        << said;
}

} // namespace
} // namespace memshare::test
