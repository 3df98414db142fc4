// A program may close all descriptors that it finds, and has files of its own under their numbers then:
// nothing is written to these, read from them or closed.
#include "tests/support/with_broker.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <vector>

namespace memshare::test {
namespace {

bool is_readable(int descriptor, milliseconds within = long_enough) {
    pollfd one{.fd = descriptor, .events = POLLIN, .revents = 0};
    return poll(&one, 1, static_cast<int>(within.count())) > 0 && (one.revents & POLLIN) != 0;
}

class AProgramThatClosesAll : public WithBroker {
  protected:
    // Closes all but the standard ones and the line to the test, and opens a log under every number up to
    // this one.
    static std::vector<int> close_all_and_open_logs(const Lines& test, const std::string& path, int last) {
        for (int number = 3; number < 1024; ++number) {
            if (number != test.socket()) {
                close(number);
            }
        }
        std::vector<int> logs;
        while (logs.empty() || logs.back() < last) {
            logs.push_back(open(path.c_str(), O_RDWR | O_CREAT | O_APPEND, 0644));
        }
        return logs;
    }

    static void expect_untouched(const std::vector<int>& logs) {
        for (const int log : logs) {
            struct stat status{};
            ASSERT_EQ(fstat(log, &status), 0) << "it was closed";
            EXPECT_EQ(status.st_size, 0);
            EXPECT_EQ(lseek(log, 0, SEEK_CUR), 0);
        }
    }

    Folder folder;
};

TEST_F(AProgramThatClosesAll, HasNothingWrittenIntoItsFilesByAWatch) {
    ChildProcess child([&](Lines& test) {
        Broker own(daemon.socket_path());
        auto value = Value<int>::create("num", 0, {.broker = &own});
        std::optional watch = value.watch();
        const auto logs = close_all_and_open_logs(test, folder / "log", watch->descriptor() + 8);
        const auto seen = [&] { // by a watch made afterwards, of the same thread or another
            auto later = value.watch();
            value.store(value.load() + 1);
            return is_readable(later.descriptor());
        };
        EXPECT_TRUE(seen());
        watch->clear();
        expect_untouched(logs);
        watch.reset();
        EXPECT_TRUE(seen());
        expect_untouched(logs);
    });
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(AProgramThatClosesAll, HasNoneOfItsFilesClosedByTheEndOfTheLastWatch) {
    ChildProcess child([&](Lines& test) {
        Broker own(daemon.socket_path());
        auto value = Value<int>::create("num", 0, {.broker = &own});
        std::vector<Watch> watches;
        for (int count = 0; count < 200; ++count) { // of two threads
            watches.push_back(value.watch());
        }
        const auto logs = close_all_and_open_logs(test, folder / "log", watches.back().descriptor() + 8);
        value.store(1);
        watches.clear();
        expect_untouched(logs);
    });
    EXPECT_EQ(child.wait(), 0);
}

// Else a reader would wait for the end of a pipe whose writing end the program has closed.
TEST_F(AProgramThatClosesAll, HasNothingKeptOpenByTheThreadOfAWatch) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(pipe2(pipe.data(), O_CLOEXEC), 0);
    const auto value = Value<int>::create("num", 0, {.broker = &broker});
    const auto watch = value.watch();
    close(pipe[1]);
    pollfd end{.fd = pipe[0], .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&end, 1, static_cast<int>(milliseconds(long_enough).count())), 1);
    EXPECT_NE(end.revents & POLLHUP, 0);
    close(pipe[0]);
}

TEST_F(AProgramThatClosesAll, CanMakeAsManyWatchesOneAfterTheOtherAsItLikes) {
    const auto value = Value<int>::create("num", 0, {.broker = &broker});
    const auto kept = value.watch();
    const std::size_t before = open_fds(getpid());
    for (int count = 0; count < 1000; ++count) {
        const auto watch = value.watch();
    }
    EXPECT_EQ(open_fds(getpid()), before);
}

} // namespace
} // namespace memshare::test
