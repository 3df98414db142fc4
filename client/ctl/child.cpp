#include "client/ctl/child.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace memshare::ctl {
namespace {

constexpr int not_executable = 126; // as shells say
constexpr int not_found = 127;
constexpr int by_signal = 128;

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::system_category(), "cannot " + what);
}

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

} // namespace

HeldSignals::HeldSignals() {
    sigset_t held{};
    sigemptyset(&held);
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
        struct sigaction now{};
        if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN) {
            sigaddset(&held, signal);
        }
    }
    fd_ = signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd_ < 0) {
        fail("make a descriptor for signals");
    }
    sigprocmask(SIG_BLOCK, &held, &before_);
}

HeldSignals::~HeldSignals() {
    while (next()) {
    }
    close(fd_);
    restore();
}

std::optional<int> HeldSignals::next() const { return next_of(true); }
std::optional<int> HeldSignals::next_to_pass_on() const { return next_of(false); }

std::optional<int> HeldSignals::next_of(bool with_terminal) const {
    signalfd_siginfo info{};
    while (read(fd_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
        const auto number = static_cast<int>(info.ssi_signo);
        const bool from_terminal = (number == SIGINT || number == SIGQUIT) && info.ssi_code == SI_KERNEL;
        if (with_terminal || !from_terminal) {
            return number;
        }
    }
    return {};
}

void HeldSignals::restore() const { sigprocmask(SIG_SETMASK, &before_, nullptr); }

// The words of the command are made ready first: a forked child should not need memory.
Child::Child(const std::vector<std::string>& command, const std::function<void()>& prepare)
    : Child(command, arguments_of(command), prepare) {}

Child::Child(const std::vector<std::string>& command, const std::vector<char*>& arguments,
             const std::function<void()>& prepare)
    : pid_(fork()) {
    if (pid_ < 0) {
        fail("start " + command.front());
    }
    if (pid_ == 0) {
        prepare();
        execvp(arguments.front(), arguments.data());
        const int code = errno == ENOENT ? not_found : not_executable;
        perror(("memsharectl: " + command.front()).c_str());
        _exit(code);
    }
    pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    if (pidfd_ < 0) {
        const int error = errno;
        kill(pid_, SIGKILL);
        wait();
        errno = error;
        fail("watch " + command.front());
    }
}

Child::~Child() {
    if (!ended_) {
        signal(SIGKILL);
        wait();
    }
    close(pidfd_);
}

void Child::signal(int number) const {
    if (!ended_) {
        kill(pid_, number); // not reaped yet, so the pid is still this child's
    }
}

int Child::wait() {
    if (!ended_) {
        int status = 0;
        while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : by_signal + WTERMSIG(status);
    }
    return *ended_;
}

std::optional<int> Child::wait_for(std::chrono::milliseconds time) {
    const bool has_ended = ended_ || wait_for_first({pidfd_}, time) == 0;
    return has_ended ? std::optional(wait()) : std::nullopt;
}

std::size_t wait_for_first(std::initializer_list<int> fds, std::optional<std::chrono::milliseconds> time) {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + time.value_or(std::chrono::milliseconds(0));
    std::vector<pollfd> all;
    for (const int fd : fds) {
        all.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    }
    int left = -1;
    do {
        if (time) {
            const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
            left = static_cast<int>(std::max(rest.count(), decltype(rest.count()){0}));
        }
    } while (poll(all.data(), all.size(), left) < 0 && errno == EINTR);
    const auto first =
        std::ranges::find_if(all, [](const pollfd& one) { return (one.revents & POLLIN) != 0; });
    return static_cast<std::size_t>(first - all.begin());
}

} // namespace memshare::ctl
