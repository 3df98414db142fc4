#include "tests/support/steps.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <stdexcept>

namespace memshare::test {

void Steps::begin() {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
        throw std::runtime_error("no process can be traced here");
    }
    mark();
}

void Steps::mark() { raise(SIGSTOP); }

Steps::Steps(pid_t child) : child_(child) {
    if (wait() != SIGSTOP) {
        throw std::runtime_error("a child did not come to where its steps begin");
    }
}

bool Steps::take(int steps) {
    int signal = SIGTRAP;
    for (int step = 0; step < steps && signal == SIGTRAP; ++step) {
        if (ptrace(PTRACE_SINGLESTEP, child_, nullptr, nullptr) != 0) {
            throw std::runtime_error("a child takes no step");
        }
        signal = wait();
    }
    return signal == SIGTRAP;
}

int Steps::wait() const {
    int how = 0;
    if (waitpid(child_, &how, 0) != child_ || !WIFSTOPPED(how)) {
        throw std::runtime_error("a child ended in the middle of its steps");
    }
    return WSTOPSIG(how);
}

} // namespace memshare::test
