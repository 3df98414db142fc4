// Whose turn it is.
#include "daemon/turns.h"

#include <asio/post.hpp>
#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace memshare::daemon {
namespace {

constexpr std::uint32_t greedy = 1;
constexpr std::uint32_t modest = 2;
constexpr std::uint32_t third = 3;

class ATurn : public testing::Test {
  protected:
    Turns::Step note(char letter) {
        return [this, letter] { order += letter; };
    }

    asio::io_context loop{1};
    Turns turns{loop};
    std::string order;
};

TEST_F(ATurn, IsTakenAtOnceByWhoeverComesToAnIdleLoop) {
    turns.take(greedy, Turns::Of::known, note('a'));
    EXPECT_EQ(order, "a");
    loop.run();
    loop.restart();
    turns.take(greedy, Turns::Of::known, note('b'));
    EXPECT_EQ(order, "ab");
}

TEST_F(ATurn, ComesForOneUsersStepsInTheirOrder) {
    for (const char letter : {'a', 'b', 'c'}) {
        turns.take(greedy, Turns::Of::known, note(letter));
    }
    EXPECT_EQ(order, "a");
    loop.run();
    EXPECT_EQ(order, "abc");
}

TEST_F(ATurn, IsOneStepLongWhenOthersWait) {
    turns.take(greedy, Turns::Of::known, note('0'));
    for (const char letter : {'a', 'b', 'c', 'd'}) {
        turns.take(greedy, Turns::Of::known, note(letter));
    }
    turns.take(modest, Turns::Of::known, note('1'));
    turns.take(third, Turns::Of::known, note('2'));
    loop.run();
    EXPECT_EQ(order.substr(0, 4), "0a12");
}

TEST_F(ATurn, LetsTheLoopLookForOthersBetweenTwoSteps) {
    turns.take(greedy, Turns::Of::known, note('0'));
    turns.take(greedy, Turns::Of::known, [this] {
        order += 'a';
        asio::post(loop, [this] { turns.take(modest, Turns::Of::known, note('1')); });
    });
    turns.take(greedy, Turns::Of::known, note('b'));
    turns.take(greedy, Turns::Of::known, note('c'));
    loop.run();
    EXPECT_EQ(order, "0ab1c");
}

TEST_F(ATurn, ComesLaterForWhoTookLong) {
    const auto take_long = [this](char letter) -> Turns::Step {
        return [this, letter] {
            order += letter;
            while (!turns.is_over()) {
                std::this_thread::yield();
            }
        };
    };
    turns.take(third, Turns::Of::known, note('0'));
    turns.take(greedy, Turns::Of::known, take_long('a'));
    turns.take(greedy, Turns::Of::known, take_long('b'));
    turns.take(modest, Turns::Of::known, note('1'));
    turns.take(modest, Turns::Of::known, note('2'));
    loop.run();
    EXPECT_EQ(order, "0a12b");
}

TEST_F(ATurn, OfANewcomerComesAfterSomeOfThoseWhoAreKnown) {
    turns.take(greedy, Turns::Of::known, note('0'));
    for (const char letter : {'a', 'b', 'c'}) {
        turns.take(greedy, Turns::Of::newcomer, note(letter));
    }
    for (const char letter : {'1', '2', '3', '4'}) {
        turns.take(greedy, Turns::Of::known, note(letter));
    }
    loop.run();
    EXPECT_EQ(order, "0123a4bc");
}

TEST_F(ATurn, OfASessionThatEndsComesForEachOfTheOthers) {
    turns.take(greedy, Turns::Of::known, note('0'));
    for (const char letter : {'a', 'b', 'c'}) {
        turns.take(greedy, Turns::Of::known, note(letter));
    }
    for (const char digit : {'1', '2'}) {
        turns.take(greedy, Turns::Of::ending, note(digit));
    }
    loop.run();
    EXPECT_EQ(order, "01a2bc");
}

TEST_F(ATurn, ThatNeverComesIsForgotten) {
    const auto held = std::make_shared<int>(1);
    {
        Turns ended(loop);
        ended.take(greedy, Turns::Of::known, [] {});
        ended.take(greedy, Turns::Of::known, [held] {});
        EXPECT_EQ(held.use_count(), 2);
    }
    EXPECT_EQ(held.use_count(), 1);
}

} // namespace
} // namespace memshare::daemon
