#include "tests/support/broker_process.h"

#include "proto/fd.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace memshare::test {

using proto::Fd;

namespace {

// Where a service tells its manager that it is ready: a socket with a name that the kernel chose.
struct NotifySocket {
    Fd socket = Fd::adopt(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::string name;

    NotifySocket() {
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        socklen_t size = sizeof(sa_family_t);
        bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), size);
        size = sizeof(address);
        getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size);
        name.assign(address.sun_path, size - offsetof(sockaddr_un, sun_path));
        name[0] = '@';
    }

    // True when it is ready, false when it has ended instead.
    bool wait_for(pid_t process) const {
        const Fd alive = Fd::adopt(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
        std::array<pollfd, 2> either{pollfd{socket.number(), POLLIN, 0}, pollfd{alive.number(), POLLIN, 0}};
        if (poll(either.data(), 2, static_cast<int>(milliseconds(long_enough).count())) <= 0) {
            throw std::runtime_error("the broker does not get ready");
        }
        std::array<char, 256> text{};
        const ssize_t size = recv(socket.number(), text.data(), text.size() - 1, MSG_DONTWAIT);
        return size > 0 && std::strstr(text.data(), "READY=1") != nullptr;
    }
};

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

// As sd_listen_fds(3) has it: from descriptor 3 on, and $LISTEN_PID is the process itself.
void inherit(const std::vector<int>& sockets) {
    constexpr int first = 3;
    for (std::size_t at = 0; at < sockets.size(); ++at) {
        const int wanted = first + static_cast<int>(at);
        if (sockets[at] == wanted) {
            fcntl(wanted, F_SETFD, 0);
        } else {
            dup2(sockets[at], wanted);
        }
    }
    setenv("LISTEN_FDS", std::to_string(sockets.size()).c_str(), 1);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
}

} // namespace

std::string memshared() { return MEMSHARED; }

Started start_broker(const BrokerProcess::Arguments& arguments, const std::string& log_file,
                     const std::vector<int>& inherited) {
    std::vector<std::string> words{memshared()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    if (std::ranges::find(arguments, "--config") == arguments.end()) {
        words.insert(words.end(), {"--config", "/dev/null"}); // not this machine's
    }
    Command command(std::move(words));
    const NotifySocket notify;
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(127);
        }
        const int log = open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        dup2(log, STDERR_FILENO);
        setenv("NOTIFY_SOCKET", notify.name.c_str(), 1);
        if (!inherited.empty()) {
            inherit(inherited);
        }
        execv(command.pointers[0], command.pointers.data());
        _exit(127);
    }
    if (pid < 0) {
        throw std::runtime_error("cannot fork");
    }
    return notify.wait_for(pid) ? Started{.pid = pid} : Started{.pid = 0, .exit_code = wait_for_end(pid)};
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
