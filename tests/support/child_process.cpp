#include "tests/support/child_process.h"

#include "tests/support/kernel.h"

#include <gtest/gtest.h>

#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <utility>

namespace memshare::test {
namespace {

void become(User user) {
    if (setgroups(0, nullptr) != 0 || setresgid(user.gid, user.gid, user.gid) != 0 ||
        setresuid(user.uid, user.uid, user.uid) != 0) {
        throw std::runtime_error("cannot become another user");
    }
}

// No child outlives a test that is killed. (Changing the user clears this, so it comes after.)
void die_with(pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
}

int failed_expectations() {
    const auto& tests = *testing::UnitTest::GetInstance();
    const testing::TestInfo* test = tests.current_test_info(); // none, in a program that is no test
    const testing::TestResult& result = test != nullptr ? *test->result() : tests.ad_hoc_test_result();
    int failed = 0;
    for (int part = 0; part < result.total_part_count(); ++part) {
        failed += result.GetTestPartResult(part).failed() ? 1 : 0;
    }
    return failed;
}

int carry_out(const ChildProcess::Work& work, Lines& parent) {
    const int of_its_parent = failed_expectations();
    try {
        work(parent);
        return failed_expectations() > of_its_parent ? 1 : 0;
    } catch (const std::exception& thrown) {
        std::fprintf(stderr, "a child failed: %s\n", thrown.what());
        return 1;
    }
}

} // namespace

ChildProcess::ChildProcess(const Work& work, std::optional<User> user) : line_(Lines::pair().first) {
    auto [ours, theirs] = Lines::pair();
    const pid_t parent = getpid();
    std::fflush(nullptr); // or the child would print it again
    pid_ = fork();
    if (pid_ < 0) {
        throw std::runtime_error("cannot fork");
    }
    if (pid_ == 0) {
        Lines line = std::move(theirs);
        {
            const Lines closed = std::move(ours);
        }
        int code = 1;
        try {
            if (user) {
                become(*user);
            }
            die_with(parent);
            code = carry_out(work, line);
        } catch (const std::exception& thrown) {
            std::fprintf(stderr, "a child did not start: %s\n", thrown.what());
        }
        std::fflush(nullptr);
        _exit(code);
    }
    line_ = std::move(ours);
}

ChildProcess ChildProcess::program(const std::vector<std::string>& arguments,
                                   const std::vector<std::pair<std::string, std::string>>& environment) {
    return ChildProcess([&](Lines& parent) {
        for (const auto& [name, value] : environment) {
            setenv(name.c_str(), value.c_str(), 1);
        }
        dup2(parent.socket(), STDIN_FILENO);
        dup2(parent.socket(), STDOUT_FILENO);
        std::vector<char*> words;
        for (const std::string& argument : arguments) {
            words.push_back(const_cast<char*>(argument.c_str()));
        }
        words.push_back(nullptr);
        execv(words[0], words.data());
        throw std::runtime_error("cannot run " + arguments.front());
    });
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : line_(std::move(other.line_)), pid_(std::exchange(other.pid_, 0)) {}

ChildProcess::~ChildProcess() {
    if (pid_ != 0) {
        try {
            kill();
        } catch (const std::exception& thrown) {
            ADD_FAILURE() << thrown.what();
        }
    }
}

void ChildProcess::strike() { send_signal(pid_, SIGKILL); }

void ChildProcess::kill() {
    strike();
    wait();
}

int ChildProcess::wait() { return wait_for_end(std::exchange(pid_, 0)); }

void fork_a_keeper(Lines& parent) {
    if (fork() == 0) {
        try {
            while (true) {
                parent.hear();
            }
        } catch (const std::exception& /*the test has let go*/) {
            _exit(0);
        }
    }
}

bool can_change_user() { return geteuid() == 0; }

} // namespace memshare::test
