#include "tests/support/kernel.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace memshare::test {
namespace {

std::string place(pid_t process, const std::string& file) {
    return "/proc/" + std::to_string(process) + "/" + file;
}

// The fields after the program's name, which may have blanks in it; [0] is the third one of proc(5).
std::vector<std::string> status(pid_t process) {
    std::ifstream file(place(process, "stat"));
    std::string line;
    std::getline(file, line);
    std::istringstream rest(line.substr(line.rfind(')') + 2));
    return {std::istream_iterator<std::string>(rest), {}};
}

} // namespace

std::size_t open_fds(pid_t process) {
    const std::filesystem::directory_iterator all(place(process, "fd"));
    const auto count = static_cast<std::size_t>(std::distance(begin(all), end(all)));
    return process == getpid() ? count - 1 : count; // but the one that looks
}

std::size_t mappings(pid_t process) {
    std::ifstream file(place(process, "maps"));
    return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>(file), {}, '\n'));
}

std::size_t resident_bytes(pid_t process) {
    return std::stoul(status(process).at(21)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

microseconds processor_time(pid_t process) {
    const auto fields = status(process);
    const auto ticks = std::stol(fields.at(11)) + std::stol(fields.at(12));
    return microseconds(ticks * 1'000'000 / sysconf(_SC_CLK_TCK));
}

void prefer(pid_t process) { setpriority(PRIO_PROCESS, static_cast<id_t>(process), -15); }

void send_signal(pid_t child, int signal) {
    if (child <= 0 || ::kill(child, signal) != 0) {
        throw std::runtime_error("there is no such child any more");
    }
}

void stop(pid_t child) {
    send_signal(child, SIGSTOP);
    int how = 0;
    if (waitpid(child, &how, WUNTRACED) != child || !WIFSTOPPED(how)) {
        throw std::runtime_error("the child has ended instead of stopping");
    }
}

void go_on(pid_t child) { send_signal(child, SIGCONT); }

int wait_for_end(pid_t child) {
    const int process = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
    pollfd ended{.fd = process, .events = POLLIN, .revents = 0};
    const int came = poll(&ended, 1, static_cast<int>(milliseconds(long_enough).count()));
    close(process);
    if (came <= 0) {
        ::kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        throw std::runtime_error("a child did not end");
    }
    int how = 0;
    waitpid(child, &how, 0);
    return WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how);
}

Folder::Folder() {
    std::string made = "/tmp/memshare-test-XXXXXX";
    if (mkdtemp(made.data()) == nullptr || chmod(made.c_str(), 0755) != 0) {
        throw std::runtime_error("cannot make a folder");
    }
    path_ = made;
}

Folder::~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

} // namespace memshare::test
