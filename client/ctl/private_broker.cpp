#include "client/ctl/private_broker.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace memshare::ctl {
namespace {

constexpr std::chrono::seconds time_to_start{60};
constexpr std::chrono::seconds time_to_end{5};
constexpr std::string_view socket_name = "/io.memshare.Broker";

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::system_category(), "cannot " + what);
}

std::string daemon_path(const std::string& told) {
    if (!told.empty()) {
        return told;
    }
    std::error_code none;
    const auto beside = std::filesystem::read_symlink("/proc/self/exe", none).parent_path() / "memshared";
    return std::filesystem::exists(beside, none) ? beside.string() : "memshared";
}

std::string random_name() {
    std::array<unsigned char, 8> random{};
    if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
        fail("find a name for the private broker's folder");
    }
    static constexpr std::string_view hex = "0123456789abcdef";
    std::string name = "/memshare-run-";
    for (const unsigned char byte : random) {
        name += hex[byte >> 4];
        name += hex[byte & 0xF];
    }
    return name;
}

// The command may change its folder, so the path is absolute; and a socket's path has a limit.
std::string folder_in_reach(const std::string& name) {
    const char* told = std::getenv("XDG_RUNTIME_DIR");
    const std::string runtime = told != nullptr ? told : "";
    const bool fits = runtime.size() + name.size() + socket_name.size() < sizeof(sockaddr_un{}.sun_path);
    const bool is_usable = runtime.starts_with('/') && fits && access(told, W_OK) == 0;
    return (is_usable ? runtime : "/tmp") + name;
}

// Where the daemon says that it is ready. (sd_notify(3))
class ReadySocket {
  public:
    ReadySocket() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socklen_t size = sizeof(sa_family_t); // the kernel chooses an abstract name
        if (fd_ < 0 || bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0) {
            const int error = errno;
            close(fd_);
            errno = error;
            fail("make a socket on which the private broker says that it is ready");
        }
        size = sizeof(address);
        getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
        name_ = '@' + std::string(address.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
    }
    ReadySocket(const ReadySocket&) = delete;
    ReadySocket& operator=(const ReadySocket&) = delete;
    ~ReadySocket() { close(fd_); }

    int fd() const { return fd_; }
    const std::string& name() const { return name_; }

  private:
    int fd_;
    std::string name_;
};

// In the daemon's process, before it becomes the daemon.
void prepare(const HeldSignals& signals, const std::string& notify_socket, pid_t parent) {
    signals.restore();
    setpgid(0, 0);                    // Ctrl-C is for the command; the broker outlives it
    prctl(PR_SET_PDEATHSIG, SIGTERM); // but not this process
    if (getppid() != parent) {
        _exit(EXIT_FAILURE); // it was killed before the line above
    }
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        fcntl(fd, F_SETFD, 0); // where it was closed the daemon keeps what is there now
    }
    setenv("NOTIFY_SOCKET", notify_socket.c_str(), 1);
}

} // namespace

PrivateFolder::PrivateFolder() : socket_path_(folder_in_reach(random_name()) + std::string(socket_name)) {}

PrivateFolder::~PrivateFolder() {
    std::error_code none; // the broker may have removed it
    std::filesystem::remove_all(std::filesystem::path(socket_path_).parent_path(), none);
}

PrivateBroker::PrivateBroker(const std::string& daemon, const HeldSignals& signals) {
    const std::string program = daemon_path(daemon);
    const ReadySocket ready;
    const pid_t parent = getpid();
    child_.emplace(
        std::vector<std::string>{program, "--socket", folder_.socket_path(), "--log-level", "warning"},
        [&] { prepare(signals, ready.name(), parent); });

    switch (wait_for_first({ready.fd(), child_->fd(), signals.fd()}, time_to_start)) {
        case 0:
            is_ready_ = true;
            break;
        case 1:
            throw std::runtime_error("cannot start a private broker: " + program + " ended with code " +
                                     std::to_string(child_->wait()) +
                                     " before it was ready (--daemon names another memshared)");
        case 2:
            break;
        default:
            throw std::runtime_error("cannot start a private broker: " + program + " was not ready within " +
                                     std::to_string(time_to_start.count()) +
                                     " s (--daemon names another memshared)");
    }
}

PrivateBroker::~PrivateBroker() {
    child_->signal(SIGTERM);
    child_->signal(SIGCONT); // if it is stopped, it can end all the same
    child_->wait_for(time_to_end);
}

} // namespace memshare::ctl
