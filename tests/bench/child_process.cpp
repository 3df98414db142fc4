#include "tests/bench/child_process.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <system_error>

namespace memshare::bench {

namespace {

const pid_t parent = getpid(); // of all of them

} // namespace

ChildProcess::ChildProcess(const std::function<void()>& body) : pid_(fork()) {
    if (pid_ < 0) {
        throw std::system_error(errno, std::system_category(), "fork");
    }
    if (pid_ > 0) {
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) { // it was dead before we asked
        _exit(EXIT_FAILURE);
    }
    try {
        body();
    } catch (const std::exception& failure) {
        std::cerr << "memshare_bench: a process of it ended: " << failure.what() << '\n';
        kill(parent, SIGTERM); // which would wait for it for ever
        _exit(EXIT_FAILURE);
    }
    _exit(EXIT_SUCCESS);
}

ChildProcess::~ChildProcess() {
    if (pid_ > 0) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
}

} // namespace memshare::bench
