// The order in which work on clients' memory is done.
#include "daemon/work_queue.h"

#include <gtest/gtest.h>

#include <string>

namespace memshare::daemon {
namespace {

constexpr std::uint32_t alice = 1000;
constexpr std::uint32_t bob = 1001;

class AWorkQueue : public testing::Test {
  protected:
    void add(std::uint32_t uid, const int& memory, char letter, Priority priority = Priority::urgent) {
        queue.add({.uid = uid, .memory = &memory, .priority = priority, .run = [this, letter] {
                       order += letter;
                       return nullptr;
                   }});
    }

    // Begins one and does it, but leaves it under way. False, if none may begin.
    bool begin_one() {
        auto work = queue.begin();
        if (work) {
            work->run();
        }
        return work.has_value();
    }

    void do_all() {
        while (auto work = queue.begin()) {
            work->run();
            queue.finish(work->uid, work->memory);
        }
    }

    WorkQueue queue{2};
    std::string order;
    int one = 0, two = 0, three = 0;
};

TEST_F(AWorkQueue, DoesWhatIsUrgentFirst) {
    add(alice, one, 'c', Priority::background);
    add(alice, one, 'a');
    add(bob, two, 'd', Priority::background);
    add(bob, two, 'b');
    do_all();
    EXPECT_EQ(order, "abcd");
    EXPECT_TRUE(queue.is_idle());
}

TEST_F(AWorkQueue, TakesTurnsByUserHoweverMuchOneHasToDo) {
    for (int work = 0; work < 5; ++work) {
        add(alice, one, 'a');
    }
    add(bob, two, 'b');
    do_all();
    EXPECT_EQ(order, "abaaaa");
}

TEST_F(AWorkQueue, DoesTheWorkOnOneMemoryInItsOrderAndNotTwoPiecesAtOnce) {
    add(alice, one, 'a');
    add(alice, one, 'b');
    EXPECT_TRUE(begin_one());
    EXPECT_FALSE(begin_one());
    queue.finish(alice, &one);
    EXPECT_TRUE(begin_one());
    EXPECT_EQ(order, "ab");
}

TEST_F(AWorkQueue, BeginsNoBackgroundWorkOnMemoryThatIsWorkedOn) {
    add(alice, one, 'a');
    EXPECT_TRUE(begin_one());
    add(alice, one, 'b', Priority::background);
    EXPECT_FALSE(begin_one());
    queue.finish(alice, &one);
    EXPECT_TRUE(begin_one());
    queue.finish(alice, &one);
    EXPECT_TRUE(queue.is_idle());
    EXPECT_EQ(order, "ab");
}

TEST_F(AWorkQueue, PassesOverMemoryThatIsWorkedOn) {
    add(alice, one, 'a');
    add(alice, one, 'c');
    add(alice, two, 'b');
    EXPECT_TRUE(begin_one());
    EXPECT_TRUE(begin_one());
    EXPECT_EQ(order, "ab");
}

TEST_F(AWorkQueue, LetsOneUserHaveOnlySomeUnderWay) {
    add(alice, one, 'a');
    add(alice, two, 'b');
    add(alice, three, 'c');
    EXPECT_TRUE(begin_one());
    EXPECT_TRUE(begin_one());
    EXPECT_FALSE(begin_one());
    add(bob, three, 'd');
    EXPECT_TRUE(begin_one());
    EXPECT_EQ(order, "abd");
    queue.finish(alice, &one);
    EXPECT_TRUE(begin_one());
    EXPECT_EQ(order, "abdc");
}

TEST_F(AWorkQueue, ForgetsTheUsersWhoseWorkIsDone) {
    for (std::uint32_t uid = 1; uid < 1000; ++uid) {
        add(uid, one, 'x');
    }
    do_all();
    EXPECT_TRUE(queue.is_idle());
    add(alice, one, 'a');
    EXPECT_FALSE(queue.empty());
    do_all();
    EXPECT_TRUE(queue.empty());
}

} // namespace
} // namespace memshare::daemon
