#include "tests/support/broker_process.h"

#include "tests/support/notify_socket.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace memshare::test {

namespace {

// What a child may do between fork and exec is little, so all is made before.
struct Command {
    std::vector<std::string> words;
    std::vector<char*> pointers;

    explicit Command(std::vector<std::string> all) : words(std::move(all)) {
        for (std::string& word : words) {
            pointers.push_back(word.data());
        }
        pointers.push_back(nullptr);
    }
};

// As sd_listen_fds(3) has it: from descriptor 3 on, and $LISTEN_PID is the process itself. They are moved out
// of the way first.
void inherit(const std::vector<Inherited>& all) {
    constexpr int first = 3;
    std::string names;
    std::vector<int> aside;
    for (const auto& [fd, name] : all) {
        aside.push_back(fcntl(fd, F_DUPFD_CLOEXEC, first + static_cast<int>(all.size())));
        names += (names.empty() ? "" : ":") + name;
    }
    for (std::size_t at = 0; at < all.size(); ++at) {
        dup2(aside[at], first + static_cast<int>(at));
    }
    setenv("LISTEN_FDS", std::to_string(all.size()).c_str(), 1);
    setenv("LISTEN_FDNAMES", names.c_str(), 1);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
}

} // namespace

std::string memshared() { return MEMSHARED; }

pid_t launch_broker(const BrokerProcess::Arguments& arguments, const std::string& log_file,
                    const std::string& notify_socket, const std::vector<Inherited>& inherited,
                    bool is_service) {
    std::vector<std::string> words{memshared()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    if (std::ranges::find(arguments, "--config") == arguments.end()) {
        words.insert(words.end(), {"--config", "/dev/null"}); // not this machine's
    }
    Command command(std::move(words));
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(127);
        }
        const int log = open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        dup2(log, STDERR_FILENO);
        setenv("NOTIFY_SOCKET", notify_socket.c_str(), 1);
        if (is_service) {
            setenv("SYSTEMD_EXEC_PID", std::to_string(getpid()).c_str(), 1);
        }
        if (!inherited.empty()) {
            inherit(inherited);
        }
        execv(command.pointers[0], command.pointers.data());
        _exit(127);
    }
    if (pid < 0) {
        throw std::runtime_error("cannot fork");
    }
    return pid;
}

Started start_broker(const BrokerProcess::Arguments& arguments, const std::string& log_file,
                     const std::vector<int>& inherited) {
    std::vector<Inherited> sockets;
    for (const int socket : inherited) {
        sockets.push_back({socket, "socket"});
    }
    NotifySocket notify;
    const pid_t pid = launch_broker(arguments, log_file, notify.name(), sockets, /*is_service=*/false);
    const auto said = notify.wait(pid);
    return said && said->says("READY=1") ? Started{.pid = pid}
                                         : Started{.pid = 0, .exit_code = wait_for_end(pid)};
}

BrokerProcess::BrokerProcess(const Arguments& arguments)
    : socket_path_(folder_ / "io.memshare.Broker"), arguments_(arguments) {
    start();
}

BrokerProcess::~BrokerProcess() {
    if (pid_ != 0) {
        EXPECT_EQ(stop(), 0) << log();
    }
}

void BrokerProcess::start() {
    Arguments all{"--socket", socket_path_};
    all.insert(all.end(), arguments_.begin(), arguments_.end());
    pid_ = start_broker(all, folder_ / "log").pid;
    if (pid_ == 0) {
        throw std::runtime_error("the broker did not start: " + log());
    }
}

void BrokerProcess::start_again() {
    if (pid_ == 0) {
        start();
    }
}

std::string BrokerProcess::log() const {
    std::ifstream file(folder_ / "log");
    return {std::istreambuf_iterator<char>(file), {}};
}

int BrokerProcess::stop(int signal) {
    send_signal(pid_, signal);
    return wait_for_end(std::exchange(pid_, 0));
}

int BrokerProcess::stop() { return stop(SIGTERM); }

void BrokerProcess::kill() { stop(SIGKILL); }

} // namespace memshare::test
