#include "client/ctl/run.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <system_error>

namespace memshare::ctl {
namespace {

constexpr int not_found = 127; // as a shell says
constexpr int by_signal = 128;

[[noreturn]] void fail(const std::string& what, int error = errno) {
    throw std::system_error(error, std::system_category(), what);
}

std::string daemon_path(std::string told) {
    if (!told.empty()) {
        return told;
    }
    std::error_code none;
    const auto beside = std::filesystem::read_symlink("/proc/self/exe", none).parent_path() / "memshared";
    return std::filesystem::exists(beside, none) ? beside.string() : "memshared";
}

// A path that nobody else knows or has; the daemon makes the folder, for this user alone, and removes it.
std::string private_socket_path() {
    std::array<unsigned char, 8> random{};
    if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
        fail("find a name for the private broker's folder");
    }
    static constexpr std::string_view hex = "0123456789abcdef";
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    std::string path = (runtime != nullptr && access(runtime, W_OK) == 0 ? runtime : "/tmp");
    path += "/memshare-run-";
    for (const unsigned char byte : random) {
        path += hex[byte >> 4];
        path += hex[byte & 0xF];
    }
    return path + "/io.memshare.Broker";
}

// Where the daemon says that it is ready. (sd_notify(3))
class ReadySocket {
  public:
    ReadySocket() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socklen_t size = sizeof(sa_family_t); // the kernel chooses an abstract name
        if (fd_ < 0 || bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0) {
            fail("make a socket for the daemon's word");
        }
        size = sizeof(address);
        getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
        name_ = '@' + std::string(address.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
    }
    ReadySocket(const ReadySocket&) = delete;
    ReadySocket& operator=(const ReadySocket&) = delete;
    ~ReadySocket() { ::close(fd_); }

    const std::string& name() const { return name_; }

    // False, if the daemon ended first.
    bool wait(int daemon) const {
        std::array<pollfd, 2> either{pollfd{.fd = fd_, .events = POLLIN, .revents = 0},
                                     pollfd{.fd = daemon, .events = POLLIN, .revents = 0}};
        while (poll(either.data(), either.size(), -1) < 0 && errno == EINTR) {
        }
        return (either[0].revents & POLLIN) != 0;
    }

  private:
    int fd_;
    std::string name_;
};

std::vector<char*> arguments_of(const std::vector<std::string>& words) {
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const std::string& word : words) {
        arguments.push_back(
            const_cast<char*>(word.c_str())); // NOLINT(*-const-cast): exec does not write them
    }
    arguments.push_back(nullptr);
    return arguments;
}

// Forks, calls prepare() in the child, and becomes the command there.
pid_t start(const std::vector<std::string>& command, auto prepare) {
    const std::vector<char*> arguments = arguments_of(command);
    const pid_t pid = fork();
    if (pid < 0) {
        fail("start " + command.front());
    }
    if (pid == 0) {
        prepare();
        execvp(arguments.front(), arguments.data());
        perror(("memsharectl: " + command.front()).c_str());
        _exit(not_found);
    }
    return pid;
}

int wait_for(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : by_signal + WTERMSIG(status);
}

// NOLINTNEXTLINE(*-avoid-non-const-global-variables): a signal handler sees no other
volatile sig_atomic_t command_pid = 0;

// What ends us ends the command first; the terminal sends Ctrl-C to the command itself.
void forward_signals(pid_t command) {
    command_pid = command;
    struct sigaction forward{};
    forward.sa_handler = [](int signal) { ::kill(command_pid, signal); };
    for (const int signal : {SIGTERM, SIGHUP}) {
        sigaction(signal, &forward, nullptr);
    }
}

void set_terminal_signals(void (*handler)(int)) {
    struct sigaction action{};
    action.sa_handler = handler;
    for (const int signal : {SIGINT, SIGQUIT}) {
        sigaction(signal, &action, nullptr);
    }
}

} // namespace

int run_with_private_broker(const std::vector<std::string>& command, std::string daemon) {
    const std::string socket_path = private_socket_path();
    const ReadySocket ready;
    const pid_t broker =
        start({daemon_path(std::move(daemon)), "--socket", socket_path, "--log-level", "warning"}, [&] {
            setpgid(0, 0);                    // Ctrl-C is for the command; the broker outlives it
            prctl(PR_SET_PDEATHSIG, SIGTERM); // but nobody outlives us
            setenv("NOTIFY_SOCKET", ready.name().c_str(), 1);
        });
    const int watched = static_cast<int>(syscall(SYS_pidfd_open, broker, 0));
    const bool is_ready = ready.wait(watched);
    ::close(watched);
    if (!is_ready) {
        const int code = wait_for(broker);
        fail("start the private broker, which ended with code " + std::to_string(code), ECONNREFUSED);
    }
    set_terminal_signals(SIG_IGN);
    const pid_t child = start(command, [&] {
        set_terminal_signals(SIG_DFL);
        setenv("MEMSHARE_SOCKET", socket_path.c_str(), 1);
    });
    forward_signals(child);
    const int code = wait_for(child);
    ::kill(broker, SIGTERM);
    wait_for(broker);
    std::error_code none; // one that was killed has left it
    std::filesystem::remove_all(std::filesystem::path(socket_path).parent_path(), none);
    return code;
}

} // namespace memshare::ctl
