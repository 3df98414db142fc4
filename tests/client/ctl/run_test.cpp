// memsharectl run: a broker for one command, of which nothing is left.
#include "tests/client/ctl/memsharectl.h"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace memshare::test {
namespace {

class MemsharectlRun : public Memsharectl {
  protected:
    Folder runtime; // where the folder of a private broker is made

    // Words after `run`, in a shell that gives up on what never ends.
    Said run_it(const std::string& words) const {
        return run("XDG_RUNTIME_DIR=" + runtime.path() + " timeout -s KILL " +
                   std::to_string(long_enough.count()) + ' ' + MEMSHARECTL + " run " + words);
    }
    bool nothing_is_left() const { return std::filesystem::is_empty(runtime.path()); }

    // A program to start in the daemon's place.
    std::string impostor(const std::string& script) const {
        const std::string path = programs / "impostor";
        std::ofstream(path) << "#!/bin/sh\n" << script << '\n';
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
        return path;
    }
    // The pid of the broker that a command was given.
    static std::string pid_of_broker() {
        return std::string("$(") + MEMSHARECTL +
               R"( stats --json | grep -o "\"pid\": *[0-9]*" | grep -o "[0-9]*"))";
    }

    Folder programs;
};

TEST_F(MemsharectlRun, RunsACommandWithABrokerOfItsOwnAndEndsWithItsCode) {
    const std::string program = MEMSHARECTL;
    const Said said = run(program + " run --daemon " + memshared() + " -- sh -c '" + program +
                          " create num f64 && echo $MEMSHARE_SOCKET && exit 7'");
    EXPECT_EQ(said.exit_code, 7);
    EXPECT_TRUE(said.text.starts_with('/')) << said.text;
    EXPECT_NE(access(said.text.substr(0, said.text.find('\n')).c_str(), F_OK), 0) << "its socket is left";
    EXPECT_FALSE(lists(broker, "num"));
}

TEST_F(MemsharectlRun, RunsACommandAndLeavesNothingEvenIfItsBrokerIsKilled) {
    const std::string program = MEMSHARECTL;
    const Said said = run(program + " run --daemon " + memshared() + " -- sh -c '" +
                          "echo $MEMSHARE_SOCKET; kill -KILL $(" + program +
                          R"( stats --json | grep -o "\"pid\": *[0-9]*" | grep -o "[0-9]*")')");
    EXPECT_EQ(said.exit_code, 0) << said.text;
    const std::string folder = said.text.substr(0, said.text.rfind('/'));
    EXPECT_TRUE(contains(folder, "/memshare-run-")) << said.text;
    EXPECT_NE(access(folder.c_str(), F_OK), 0) << folder << " is left";
}

TEST_F(MemsharectlRun, LeavesNothingOfADaemonThatEndsBeforeItIsReady) {
    const std::string program = impostor("mkdir \"$(dirname \"$2\")\"; touch \"$2\"; exit 3");
    const Said said = run_it("--daemon " + program + " -- true");
    EXPECT_EQ(said.exit_code, 1);
    EXPECT_TRUE(contains(said.text, "ended with code 3 before it was ready")) << said.text;
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(MemsharectlRun, EndsABrokerThatIsStopped) {
    const Said said =
        run_it("--daemon " + memshared() + " -- sh -c 'kill -STOP " + pid_of_broker() + "; exit 7'");
    EXPECT_EQ(said.exit_code, 7) << said.text;
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(MemsharectlRun, PassesSignalsOnToItsCommandAndCleansUp) {
    for (const int signal : {SIGTERM, SIGHUP, SIGINT, SIGQUIT}) {
        ChildProcess running = ChildProcess::program(
            {MEMSHARECTL, "run", "--daemon", memshared(), "--", "sh", "-c", "echo ready; exec cat"},
            {{"XDG_RUNTIME_DIR", runtime.path()}});
        ASSERT_EQ(running.hear(), "ready\n");
        EXPECT_FALSE(nothing_is_left());
        send_signal(running.pid(), signal);
        EXPECT_EQ(running.wait(), 128 + signal);
        EXPECT_TRUE(nothing_is_left()) << signal;
    }
}

TEST_F(MemsharectlRun, CleansUpIfASignalComesBeforeItsBrokerIsReady) {
    const std::string program = impostor("mkdir \"$(dirname \"$2\")\"; echo begun; exec sleep 1000");
    ChildProcess running = ChildProcess::program({MEMSHARECTL, "run", "--daemon", program, "--", "true"},
                                                 {{"XDG_RUNTIME_DIR", runtime.path()}});
    ASSERT_EQ(running.hear(), "begun\n");
    send_signal(running.pid(), SIGTERM);
    EXPECT_EQ(running.wait(), 128 + SIGTERM);
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(MemsharectlRun, SaysAsAShellWhyThereIsNoCommand) {
    EXPECT_EQ(run_it("--daemon " + memshared() + " -- /nowhere/none").exit_code, 127);
    EXPECT_EQ(run_it("--daemon " + memshared() + " -- /").exit_code, 126);
    EXPECT_EQ(run_it("--daemon " + memshared() + " -- sh -c 'kill -KILL $$'").exit_code, 128 + SIGKILL);
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(MemsharectlRun, PutsItsSocketWhereItsPathFits) {
    const std::string deep = runtime / std::string(100, 'd');
    std::filesystem::create_directory(deep);
    const Said said = run("XDG_RUNTIME_DIR=" + deep + ' ' + MEMSHARECTL + " run --daemon " + memshared() +
                          " -- sh -c 'echo $MEMSHARE_SOCKET'");
    EXPECT_EQ(said.exit_code, 0) << said.text;
    EXPECT_TRUE(said.text.starts_with("/tmp/memshare-run-")) << said.text;
}

} // namespace
} // namespace memshare::test
