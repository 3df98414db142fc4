// A fork while a call to the broker is under way, in another thread or in a signal handler.
#include "tests/support/with_broker.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <thread>

namespace memshare::test {
namespace {

// Whether a thread of this process sleeps in the kernel.
bool is_asleep(pid_t thread) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string text;
    std::getline(file, text);
    const auto name = text.rfind(") ");
    return name != std::string::npos && text[name + 2] == 'S';
}

pid_t own_thread() { return static_cast<pid_t>(syscall(SYS_gettid)); }

using AFork = WithBroker;

TEST_F(AFork, DoesNotWaitForABrokerThatDoesNotAnswerAnotherThread) {
    if (sanitized) {
        GTEST_SKIP() << "the sanitizers do not take a fork beside threads";
    }
    broker.version();
    stop(daemon.pid());
    std::atomic<pid_t> caller = 0;
    std::jthread in_a_call([&] {
        caller = own_thread();
        EXPECT_TRUE(broker.list().empty());
    });
    ASSERT_TRUE(eventually([&] { return caller != 0 && is_asleep(caller); }));
    const auto start = Clock::now();
    ChildProcess child([&](Lines& test) {
        test.hear();
        EXPECT_TRUE(broker.list().empty());
    });
    EXPECT_LT(Clock::now() - start, seconds(1));
    go_on(daemon.pid());
    child.say("it answers again");
    EXPECT_EQ(child.wait(), 0);
}

// NOLINTBEGIN(*-avoid-non-const-global-variables): a signal handler sees no other
std::atomic<pid_t> forked = 0;
enum class Then { ends, returns };
Then then_it = Then::ends;
// NOLINTEND(*-avoid-non-const-global-variables)

void fork_in_handler(int /*signal*/) {
    const pid_t pid = fork();
    if (pid == 0 && then_it == Then::ends) {
        _exit(7);
    }
    forked = pid;
}

class AForkInASignalHandler : public WithBroker {
  protected:
    // Forks in the middle of a call, while the broker does not answer; then(is_child) comes after the call.
    void fork_in_a_call(Then what, const std::function<int()>& in_child, int expected) {
        if (sanitized) {
            GTEST_SKIP() << "the sanitizers do not take a fork beside threads";
        }
        ChildProcess process([&](Lines& test) {
            then_it = what;
            struct sigaction action{};
            action.sa_handler = fork_in_handler;
            sigaction(SIGUSR1, &action, nullptr);
            Broker own(daemon.socket_path());
            const auto mine = Value<int>::create("mine", 1, {.broker = &own});
            test.say("connected");
            test.hear();
            const pthread_t caller = pthread_self();
            const pid_t thread = own_thread();
            const pid_t parent = getpid();
            std::jthread disturber([&] {
                EXPECT_TRUE(eventually([&] { return is_asleep(thread); }));
                pthread_kill(caller, SIGUSR1);
                EXPECT_TRUE(eventually([&] { return forked != 0; }));
                go_on(daemon.pid());
            });
            const auto segments = own.list();
            if (getpid() != parent) {
                _exit(segments.size() == 1 ? in_child() : 1);
            }
            EXPECT_EQ(segments.size(), 1U);
            EXPECT_EQ(wait_for_end(forked), expected);
            EXPECT_EQ(own.describe("mine").attachments.size(), 1U);
        });
        EXPECT_EQ(process.hear(), "connected");
        stop(daemon.pid());
        process.say("the broker stands still");
        EXPECT_EQ(process.wait(), 0);
    }
};

TEST_F(AForkInASignalHandler, InTheMiddleOfACallHoldsUpNeither) { fork_in_a_call(Then::ends, {}, 7); }

TEST_F(AForkInASignalHandler, LeavesAChildThatEndsTheCallOnAConnectionOfItsOwn) {
    fork_in_a_call(Then::returns, [] { return 5; }, 5);
}

TEST_F(AFork, ByABareSystemCallLeavesAChildThatCallsOnAConnectionOfItsOwn) {
    auto value = Value<int>::create("num", 1, {.broker = &broker});
    const auto child = static_cast<pid_t>(syscall(SYS_fork));
    if (child == 0) {
        const std::scoped_lock lock(value.mutex());
        value.store(2);
        const auto description = broker.describe("num");
        _exit(description.lock.holder->pid == getpid() && description.attachments.size() == 2 ? 0 : 1);
    }
    EXPECT_EQ(wait_for_end(child), 0);
    EXPECT_EQ(broker.describe("num").attachments.size(), 1U);
    EXPECT_EQ(value.load(), 2);
}

} // namespace
} // namespace memshare::test
