#include "tests/support/first_process.h"

#include "tests/support/kernel.h"

#include <gtest/gtest.h>

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

namespace memshare::test {
namespace {

void leave_the_pid_namespace() {
    if (unshare(CLONE_NEWPID) != 0) {
        throw std::runtime_error("cannot leave the PID namespace");
    }
}

int carry_out(const ChildProcess::Work& work, Lines& test) {
    try {
        test.hear();
        EXPECT_EQ(getpid(), 1);
        EXPECT_EQ(gettid(), 1);
        work(test);
    } catch (const std::exception& thrown) {
        ADD_FAILURE() << thrown.what();
    }
    std::fflush(nullptr);
    return testing::Test::HasFailure() ? 1 : 0;
}

} // namespace

FirstProcess::FirstProcess(const ChildProcess::Work& work)
    : FirstProcess(work, leave_the_pid_namespace, /*user=*/{}) {}

FirstProcess::FirstProcess(const ChildProcess::Work& work, const Departure& departure,
                           std::optional<User> user)
    : outside_(
          [&](Lines& test) {
              departure();
              const pid_t first = fork();
              if (first == 0) {
                  prctl(PR_SET_PDEATHSIG, SIGKILL);
                  _exit(carry_out(work, test));
              }
              test.say(std::to_string(first));
              int how = 0;
              waitpid(first, &how, 0);
              EXPECT_TRUE(how == 0 || WTERMSIG(how) == SIGKILL);
          },
          user),
      pid_(std::stoi(outside_.hear())) {
    outside_.say("your number is known");
}

void FirstProcess::kill() {
    send_signal(pid_, SIGKILL);
    EXPECT_EQ(outside_.wait(), 0);
}

} // namespace memshare::test
