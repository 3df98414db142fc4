// What other programs have of a process's that started them, or became them (exec), and what they keep alive.
#include "tests/support/with_broker.h"

#include <fcntl.h>
#include <unistd.h>

#include <mutex>

namespace memshare::test {
namespace {

// A program that says again what it hears, until the test lets go of its line.
[[noreturn]] void become_an_echo(const Lines& test) {
    dup2(test.socket(), STDIN_FILENO);
    dup2(test.socket(), STDOUT_FILENO);
    execl("/bin/cat", "cat", nullptr);
    _exit(127);
}

bool is_an_echo(ChildProcess& process) {
    process.say("there?");
    return process.hear() == "there?";
}

int last_possible_fd() { return static_cast<int>(sysconf(_SC_OPEN_MAX)) - 1; }

// Those that a program would have as well.
int inheritable_fds() {
    int count = 0;
    for (int number = 0; number <= last_possible_fd(); ++number) {
        const int flags = fcntl(number, F_GETFD);
        count += flags >= 0 && (flags & FD_CLOEXEC) == 0 ? 1 : 0;
    }
    return count;
}

void make_all_fds_inheritable() {
    for (int number = 0; number <= last_possible_fd(); ++number) {
        fcntl(number, F_SETFD, 0); // fails for what is none
    }
}

class AProgram : public WithBroker {
  protected:
    // Makes "mine" and locks "shared", does that, and stays until it is killed.
    ChildProcess creator(const ChildProcess::Work& then) {
        return ChildProcess([&](Lines& test) {
            Broker own(daemon.socket_path());
            const auto mine = Value<int>::create("mine", 1, {.broker = &own});
            const auto opened = Value<int>::open("shared", {.broker = &own});
            const std::scoped_lock lock(opened.mutex());
            then(test);
            pause();
        });
    }

    void expect_that_it_takes_its_lock_and_segment_with_it(ChildProcess& process) {
        EXPECT_FALSE(shared.mutex().try_lock());
        EXPECT_TRUE(lists(broker, "mine"));
        const pid_t pid = process.pid();
        process.kill();
        expect_to_inherit(shared.mutex(), pid);
        EXPECT_TRUE(eventually([&] { return !lists(broker, "mine"); }));
        EXPECT_EQ(broker.describe("shared").attachments.size(), 1U);
    }

    Value<int> shared = Value<int>::create("shared", 1, {.broker = &broker});
};

TEST_F(AProgram, InheritsNoDescriptorOfOurs) {
    ChildProcess process([&](Lines&) {
        const int before = inheritable_fds();
        Broker own(daemon.socket_path());
        const auto mine = Value<int>::create("mine", 1, {.broker = &own});
        const auto opened = Value<int>::open("shared", {.broker = &own});
        const auto watcher = opened.watch();
        EXPECT_EQ(inheritable_fds(), before);
    });
    EXPECT_EQ(process.wait(), 0);
}

TEST_F(AProgram, KeepsNothingOfAKilledProcessThatStartedIt) {
    auto process = creator([](Lines& test) {
        if (fork() == 0) {
            become_an_echo(test);
        }
    });
    ASSERT_TRUE(is_an_echo(process));
    expect_that_it_takes_its_lock_and_segment_with_it(process);
    EXPECT_TRUE(is_an_echo(process)); // which is alive
}

TEST_F(AProgram, KeepsNothingOfAKilledProcessWhoseDescriptorsItHas) {
    auto process = creator([](Lines& test) {
        if (fork() == 0) {
            make_all_fds_inheritable();
            become_an_echo(test);
        }
    });
    ASSERT_TRUE(is_an_echo(process));
    expect_that_it_takes_its_lock_and_segment_with_it(process);
    EXPECT_TRUE(is_an_echo(process));
}

TEST_F(AProgram, ThatEndsTakesNothingFromTheProcessThatStartedIt) {
    auto process = creator([](Lines& test) {
        const pid_t child = fork();
        if (child == 0) {
            make_all_fds_inheritable();
            execl("/bin/true", "true", nullptr);
            _exit(127);
        }
        EXPECT_EQ(wait_for_end(child), 0);
        test.say("it has ended");
    });
    EXPECT_EQ(process.hear(), "it has ended");
    expect_that_it_takes_its_lock_and_segment_with_it(process);
}

TEST_F(AProgram, ThatAProcessBecomesKeepsItsLockAndItsSegmentUntilItEnds) {
    const std::size_t without = daemon.open_fds();
    auto process = creator([](Lines& test) {
        test.say("locked");
        test.hear();
        become_an_echo(test);
    });
    EXPECT_EQ(process.hear(), "locked");
    const std::size_t connected = daemon.open_fds();
    EXPECT_GT(connected, without);
    process.say("become one");
    EXPECT_TRUE(eventually([&] { return daemon.open_fds() == connected - 1; })); // its connection is closed
    ASSERT_TRUE(is_an_echo(process));
    EXPECT_EQ(broker.describe("shared").lock.holder->pid, process.pid());
    expect_that_it_takes_its_lock_and_segment_with_it(process);
}

} // namespace
} // namespace memshare::test
