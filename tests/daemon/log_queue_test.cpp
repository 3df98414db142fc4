#include "daemon/log_queue.h"

#include "proto/limits.h"
#include "tests/support/patience.h"

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>
#include <string>
#include <thread>

namespace memshare::daemon {
namespace {

using proto::limits::log_entries_waiting;
using test::long_enough;

// What is written goes to the end of a text, by a thread that can be held up.
class ALogQueue : public testing::Test {
  protected:
    void write(const std::string& word) {
        queue.write([this, word] { written += word; });
    }
    void hold_up() {
        queue.write([this] {
            held_up.release();
            go_on.acquire();
        });
        held_up.acquire();
    }

    std::string written; // read when all is written
    std::binary_semaphore held_up{0}, go_on{0};
    LogQueue queue{[this](std::size_t lost) { written += std::to_string(lost) + " lost "; }};
};

TEST_F(ALogQueue, WritesInOrderAndAllBeforeTheEnd) {
    for (const char* word : {"a ", "b ", "c "}) {
        write(word);
    }
    EXPECT_TRUE(queue.finish(long_enough));
    EXPECT_EQ(written, "a b c ");
}

TEST_F(ALogQueue, NeverWaitsAndTellsWhereEntriesAreMissing) {
    hold_up();
    for (std::size_t entry = 0; entry < log_entries_waiting + 7; ++entry) {
        write(entry == 0 ? "first " : "");
    }
    go_on.release();
    EXPECT_TRUE(queue.finish(long_enough));
    write("next ");
    EXPECT_TRUE(queue.finish(long_enough));
    EXPECT_EQ(written, "first 7 lost next ");
}

TEST_F(ALogQueue, EndsWithoutAnEntryThatTakesForEver) {
    hold_up();
    write("never ");
    EXPECT_FALSE(queue.finish(std::chrono::milliseconds(10)));
    EXPECT_EQ(written, "");
    go_on.release();
    EXPECT_TRUE(queue.finish(long_enough));
}

TEST_F(ALogQueue, GoesOnAfterAnEntryThatFails) {
    queue.write([] { throw std::runtime_error("no room"); });
    write("next ");
    EXPECT_TRUE(queue.finish(long_enough));
    EXPECT_EQ(written, "next ");
}

} // namespace
} // namespace memshare::daemon
