// How the daemon starts, idles and ends.
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <poll.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

namespace memshare::test {
namespace {

using std::filesystem::exists;
using TheDaemon = WithBroker;

TEST_F(TheDaemon, EndsCleanlyBySignalsAndLeavesNoSocket) {
    for (const int signal : {SIGTERM, SIGINT}) {
        daemon.start_again();
        ASSERT_TRUE(exists(daemon.socket_path()));
        EXPECT_EQ(daemon.stop(signal), 0) << daemon.log();
        EXPECT_FALSE(exists(daemon.socket_path()));
    }
}

TEST_F(TheDaemon, EndsCleanlyInTheMiddleOfWork) {
    const auto segment = Array<int>::create("arr", 5, {.broker = &broker});
    RawPeer half(daemon.socket_path());
    half.send("{");
    RawPeer full(daemon.socket_path());
    for (int call = 0; call < 1000; ++call) {
        full.send_what_goes(RawPeer::text_of("Attach", {{"name", "arr"}, {"access", "read"}}));
    }
    EXPECT_EQ(daemon.stop(), 0) << daemon.log();
    EXPECT_TRUE(half.is_ended());
    EXPECT_EQ(segment.at(4), 0);
}

TEST_F(TheDaemon, IsSilentWhenAllIsWell) {
    Value<int>::create("num", 1, {.broker = &broker}).load();
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_EQ(daemon.log(), "");
}

TEST(TheDaemonsFolder, IsRemovedIfItMadeIt) {
    const Folder folder;
    const auto started = start_broker({"--socket", folder / "made/socket"}, folder / "log");
    ASSERT_NE(started.pid, 0);
    EXPECT_TRUE(exists(folder / "made/socket"));
    kill(started.pid, SIGTERM);
    EXPECT_EQ(wait_for_end(started.pid), 0);
    EXPECT_FALSE(exists(folder / "made"));
}

TEST_F(TheDaemon, ReplacesTheSocketOfOneThatWasKilled) {
    daemon.kill();
    ASSERT_TRUE(exists(daemon.socket_path()));
    daemon.start_again();
    EXPECT_TRUE(broker.list().empty());
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(TheDaemon, RefusesToStartWhereOneAnswersAndLeavesThatAlone) {
    const auto segment = Value<int>::create("num", 1, {.broker = &broker});
    const Folder folder;
    const auto second = start_broker({"--socket", daemon.socket_path()}, folder / "log");
    EXPECT_EQ(second.pid, 0);
    EXPECT_EQ(second.exit_code, 1);
    EXPECT_NE(text_of(folder / "log").find(daemon.socket_path() + ": Address already in use"),
              std::string::npos)
        << text_of(folder / "log");
    Broker fresh(daemon.socket_path());
    EXPECT_TRUE(lists(fresh, "num"));
}

TEST(TheDaemonsSocket, DoesNotReplaceAFileThatIsNone) {
    const Folder folder;
    std::ofstream(folder / "diary") << "dear diary";
    const auto started = start_broker({"--socket", folder / "diary"}, folder / "log");
    EXPECT_EQ(started.pid, 0);
    EXPECT_EQ(text_of(folder / "diary"), "dear diary");
}

TEST_F(TheDaemon, LeavesTheSocketOfItsSuccessor) {
    std::filesystem::remove(daemon.socket_path());
    const Folder folder;
    const auto second = start_broker({"--socket", daemon.socket_path()}, folder / "log");
    ASSERT_NE(second.pid, 0);
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_TRUE(exists(daemon.socket_path()));
    kill(second.pid, SIGTERM);
    EXPECT_EQ(wait_for_end(second.pid), 0);
}

TEST(TwoDaemons, ThatStartAtOnceAtOnePathBecomeOne) {
    for (int round = 0; round < 10; ++round) {
        const Folder folder;
        {
            std::ofstream(folder / "log");
        }
        const auto contend = [&](Lines& parent) {
            parent.hear();
            const auto started = start_broker({"--socket", folder / "socket"}, folder / "log");
            parent.say(started.pid != 0 ? "won" : "lost");
            parent.hear();
            if (started.pid != 0) {
                kill(started.pid, SIGTERM);
                EXPECT_EQ(wait_for_end(started.pid), 0);
            }
        };
        ChildProcess first(contend);
        ChildProcess second(contend);
        first.say("go");
        second.say("go");
        EXPECT_NE(first.hear(), second.hear());
        EXPECT_TRUE(Broker(folder / "socket").list().empty());
        first.say("end");
        second.say("end");
        EXPECT_EQ(first.wait() + second.wait(), 0);
    }
}

TEST(TheDaemonsOptions, ThatAreWrongAreExplained) {
    const Folder folder;
    const auto started = start_broker({"--sokket", "x"}, folder / "log");
    EXPECT_EQ(started.pid, 0);
    EXPECT_NE(started.exit_code, 0);
    EXPECT_NE(text_of(folder / "log").find("--sokket"), std::string::npos);
}

TEST(TheDaemonsOptions, AreReadFromAFile) {
    const Folder folder;
    std::ofstream(folder / "memshared.conf")
        << "segments-per-user = 1\nsocket = " << folder / "socket" << "\n";
    const auto started = start_broker({"--config", folder / "memshared.conf"}, folder / "log");
    ASSERT_NE(started.pid, 0) << text_of(folder / "log");
    Broker broker(folder / "socket");
    const auto one = Value<int>::create("one", 1, {.broker = &broker});
    EXPECT_EQ(error_of([&] { Value<int>::create("two", 2, {.broker = &broker}); }).code(),
              Errc::quota_exceeded);
    kill(started.pid, SIGTERM);
    EXPECT_EQ(wait_for_end(started.pid), 0);
}

TEST(TheDaemonsOptions, ThatAFileMisspellsAreExplained) {
    const Folder folder;
    std::ofstream(folder / "memshared.conf") << "segments-per-usr = 1\n";
    const auto started = start_broker({"--config", folder / "memshared.conf"}, folder / "log");
    EXPECT_EQ(started.pid, 0);
    EXPECT_NE(text_of(folder / "log").find("segments-per-usr"), std::string::npos);
}

TEST(TheDaemonsOptions, AreReadAgainFromAFileThatIsRightAndStayWhereItIsWrong) {
    const Folder folder;
    const auto configure = [&](const std::string& text) { std::ofstream(folder / "memshared.conf") << text; };
    configure("segments-per-user = 1\n");
    const auto started =
        start_broker({"--socket", folder / "socket", "--config", folder / "memshared.conf"}, folder / "log");
    ASSERT_NE(started.pid, 0) << text_of(folder / "log");
    Broker broker(folder / "socket");
    const auto limit = [&] {
        const auto usage = broker.statistics().users.at(0).usage;
        return std::ranges::find(usage, "segments", &Usage::resource)->limit;
    };
    const auto one = Value<int>::create("one", 1, {.broker = &broker});
    configure("segments-per-user = 7\n");
    send_signal(started.pid, SIGHUP);
    EXPECT_TRUE(eventually([&] { return limit() == 7; }));
    configure("segments-per-user = many\n");
    send_signal(started.pid, SIGHUP);
    EXPECT_TRUE(
        eventually([&] { return text_of(folder / "log").find("stays as it was") != std::string::npos; }));
    EXPECT_EQ(limit(), 7U);
    EXPECT_EQ(Value<int>::create("two", 2, {.broker = &broker}).load(), 2);
    send_signal(started.pid, SIGTERM);
    EXPECT_EQ(wait_for_end(started.pid), 0);
}

// What the options, or the file, say is wrong: the exit code, and what was printed.
std::pair<int, std::string> refusal_of(const BrokerProcess::Arguments& arguments) {
    const Folder folder;
    auto all = arguments;
    all.insert(all.end(), {"--socket", folder / "socket"});
    const auto started = start_broker(all, folder / "log");
    if (started.pid != 0) {
        send_signal(started.pid, SIGTERM);
        wait_for_end(started.pid);
        return {0, "it starts"};
    }
    return {started.exit_code, text_of(folder / "log")};
}

TEST(TheDaemonsOptions, ThatAreNoLimitsAreRefusedOnTheCommandLineAndInTheFile) {
    const Folder folder;
    for (const std::string value :
         {"-1", "-5K", "99999999999999999999", "18446744073709551615", "0x10", "5x"}) {
        const auto [code, said] = refusal_of({"--sessions-per-user=" + value});
        EXPECT_GE(code, 101) << value;
        EXPECT_TRUE(said.contains("--sessions-per-user: \"" + value + "\" is no limit")) << said;
        std::ofstream(folder / "conf") << "log-level = info\nbytes-per-user = " << value << "\n";
        const auto [file_code, file_said] = refusal_of({"--config", folder / "conf"});
        EXPECT_GE(file_code, 101) << value;
        EXPECT_TRUE(file_said.contains((folder / "conf:2: bytes-per-user: \"") + value + "\" is no limit"))
            << file_said;
    }
}

TEST(TheDaemonsOptions, ThatAFileSaysWronglyAreToldWithTheirLine) {
    const Folder folder;
    for (const auto& [line, said] : std::vector<std::pair<std::string, std::string>>{
             {"nonsense here", "\"nonsense here\" is not NAME = VALUE"},
             {"segments-per-usr = 1", "segments-per-usr: there is no such setting"},
             {"check = true", "check: there is no such setting"},
             {"log-level = loud", "log-level: \"loud\" is none of debug, info, warning, error and off"},
             {"total-bytes =", "total-bytes: it has no value"}}) {
        std::ofstream(folder / "conf") << "\n" << line << "\n";
        EXPECT_TRUE(refusal_of({"--config", folder / "conf"}).second.contains((folder / "conf:2: ") + said))
            << line;
    }
}

TEST(TheDaemonsOptions, HaveToBeReadableWhereTheyWereSaidToBe) {
    const Folder folder;
    const auto [code, said] = refusal_of({"--config", folder / "none"});
    EXPECT_GE(code, 101);
    EXPECT_TRUE(said.contains("cannot read the configuration " + (folder / "none"))) << said;
    EXPECT_GE(refusal_of({"--config", folder.path()}).first, 101);
}

TEST(TheDaemonsOptions, OfTheCommandLineWinOverTheFiles) {
    const Folder folder;
    std::ofstream(folder / "conf") << "socket = " << folder / "wrong" << "\n";
    const auto started =
        start_broker({"--socket", folder / "right", "--config", folder / "conf"}, folder / "log");
    ASSERT_NE(started.pid, 0) << text_of(folder / "log");
    EXPECT_TRUE(exists(folder / "right"));
    send_signal(started.pid, SIGTERM);
    EXPECT_EQ(wait_for_end(started.pid), 0);
}

TEST(TheDaemonsOptions, CanBeCheckedWithoutADaemon) {
    const Folder folder;
    std::ofstream(folder / "conf") << "bytes-per-user = 1G\n";
    EXPECT_EQ(refusal_of({"--check", "--config", folder / "conf"}), (std::pair<int, std::string>(0, "")));
    std::ofstream(folder / "conf") << "bytes-per-user = lots\n";
    EXPECT_GE(refusal_of({"--check", "--config", folder / "conf"}).first, 101);
}

// The time passes to be measured, not to wait for anything.
TEST_F(TheDaemon, UsesNoProcessorTimeWhenItIsIdle) {
    const auto segment = Array<int>::create("arr", 5, {.broker = &broker});
    for (int call = 0; call < 1000; ++call) {
        broker.describe("arr");
    }
    poll(nullptr, 0, 10);
    const auto before = daemon.processor_time();
    poll(nullptr, 0, 1000);
    EXPECT_LE(daemon.processor_time() - before, milliseconds(10)); // one tick
}

} // namespace
} // namespace memshare::test
