// What memsharectl does when its output is lost, and what it never sends to a terminal.
#include "proto/fd.h"
#include "tests/client/ctl/memsharectl.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

namespace memshare::test {
namespace {

class MemsharectlOutput : public Memsharectl {
  protected:
    // Runs it with a pipe that nobody reads as its standard output or standard error.
    int run_unread(int number, const std::vector<std::string>& words, void (*sigpipe)(int)) const {
        std::array<int, 2> ends{};
        EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
        const proto::Fd written = proto::Fd::adopt(ends[1]);
        close(ends[0]);
        return ChildProcess([&](Lines&) {
                   std::vector<std::string> all{MEMSHARECTL, "--socket", daemon.socket_path()};
                   all.insert(all.end(), words.begin(), words.end());
                   std::vector<char*> arguments;
                   for (std::string& word : all) {
                       arguments.push_back(word.data());
                   }
                   arguments.push_back(nullptr);
                   dup2(written.number(), number);
                   std::signal(SIGPIPE, sigpipe);
                   execv(MEMSHARECTL, arguments.data());
                   _exit(127);
               })
            .wait();
    }

    static constexpr std::array printing{"list",           "list --json", "show num", "show num --json",
                                         "get num",        "get num 0",   "stats",    "stats --json",
                                         "doctor",         "watch",       "--help",   "watch --json",
                                         "destroy --help", "--version",   "run -h"};
};

TEST_F(MemsharectlOutput, ThatADiskHasNoRoomForIsAnErrorOfEveryCommand) {
    output("create num f64");
    for (const std::string words : printing) {
        const Said said = script("$m " + words + " >/dev/full");
        EXPECT_EQ(said.exit_code, 1) << words;
        EXPECT_EQ(said.text, "memsharectl: cannot write to standard output: No space left on device\n")
            << words;
    }
}

TEST_F(MemsharectlOutput, WithoutAnywhereToGoIsAnErrorAndGoesIntoNoSocket) {
    output("create num f64");
    for (const std::string words : printing) {
        const Said said = script("$m " + words + " >&-");
        EXPECT_EQ(said.exit_code, 1) << words;
        EXPECT_EQ(said.text, "memsharectl: cannot write to standard output: Bad file descriptor\n") << words;
    }
    EXPECT_EQ(script("$m get num <&- >&- 2>&-").exit_code, 1);
    EXPECT_EQ(script("$m create other f64 <&- >&- 2>&- && $m set other 2 <&- >&- 2>&-").exit_code, 0);
    EXPECT_EQ(output("get other"), "2\n");
}

TEST_F(MemsharectlOutput, OfACommandThatIsRunIsClosedIfItWas) {
    const Said said =
        script("$m run --daemon " + memshared() + " -- sh -c 'test ! -e /proc/self/fd/1 || exit 9' >&-");
    EXPECT_EQ(said.exit_code, 0) << said.text;
}

TEST_F(MemsharectlOutput, ThatNobodyReadsEndsItAsItEndsOtherPrograms) {
    output("create num f64");
    EXPECT_EQ(run_unread(STDOUT_FILENO, {"list"}, SIG_DFL), -SIGPIPE);
    EXPECT_EQ(run_unread(STDOUT_FILENO, {"list"}, SIG_IGN), 1);
    EXPECT_EQ(run_unread(STDOUT_FILENO, {"set", "num", "3"}, SIG_DFL), 0);
}

TEST_F(MemsharectlOutput, OfErrorsThatNobodyReadsDoesNotStopTheWork) {
    output("create one f64");
    output("create two f64");
    EXPECT_EQ(run_unread(STDERR_FILENO, {"destroy", "one", "none", "two"}, SIG_DFL), 1);
    EXPECT_FALSE(lists(broker, "two"));
}

TEST_F(MemsharectlOutput, OfAWatchEndsWithItsReader) {
    const std::string watch = std::string(MEMSHARECTL) + " --socket " + daemon.socket_path() + " watch";
    FILE* out = popen(("timeout -s KILL " + std::to_string(long_enough.count()) + ' ' + watch).c_str(), "re");
    std::array<char, 256> line{};
    ASSERT_NE(std::fgets(line.data(), line.size(), out), nullptr);
    const int how = pclose(out); // closes the pipe, and waits
    EXPECT_NE(WEXITSTATUS(how), 128 + SIGKILL) << "it goes on, although nobody reads it";
}

TEST_F(MemsharectlOutput, HasNothingThatATerminalWouldObey) {
    const std::string reordered = "a\u202Eb";
    output("create '" + reordered + "' f64");
    EXPECT_TRUE(contains(output("list"), "a\\u202eb"));
    EXPECT_TRUE(contains(output("show '" + reordered + "'"), "a\\u202eb"));
    EXPECT_TRUE(contains(output("list --json"), '"' + reordered + '"')) << "JSON is exact";
    const Said said = script("$m get \"$(printf 'x\\033[31m\\377')\"");
    EXPECT_NE(said.exit_code, 0);
    EXPECT_TRUE(contains(said.text, "x\\x1b[31m\\xff")) << said.text;
    EXPECT_FALSE(contains(script("$m \"$(printf 'x\\033[31m')\"").text, "\033"));
    EXPECT_FALSE(contains(script("$m list \"$(printf '\\033')\" \"$(printf '\\033')\"").text, "\033"));
}

TEST_F(MemsharectlOutput, OfTextIsWhatWasSetWithEscapesForTheRest) {
    output("create t char --count 12");
    EXPECT_EQ(script("$m set t \"$(printf 'gr\\303\\274n \\377\\033')\" && $m get t").text,
              "\"grün \\xff\\x1b\"\n");
    EXPECT_EQ(output("set t 'a\"b\\c' && " + std::string(MEMSHARECTL) + " --socket " + daemon.socket_path() +
                     " get t"),
              "\"a\\\"b\\\\c\"\n");
    EXPECT_EQ(script("$m set t \"$(printf 'gr\\303\\274n')\" && $m get t 0:3").text, "\"gr\\xc3\"\n");
}

// Larger than what is printed at once.
TEST_F(MemsharectlOutput, OfALargeArrayIsWhole) {
    auto numbers = Array<std::uint32_t>::create("arr", 100'000, {.broker = &broker});
    std::string expected = "[";
    for (std::uint32_t at = 0; at < numbers.size(); ++at) {
        numbers[at] = at;
        expected += (at == 0 ? "" : ", ") + std::to_string(at);
    }
    EXPECT_EQ(output("get arr"), expected + "]\n");
}

} // namespace
} // namespace memshare::test
