// A value of up to 8 bytes as an atomic, and a larger one as a transaction.
#include "tests/support/with_broker.h"

#include <array>
#include <cstdint>
#include <limits>
#include <stdexcept>

namespace memshare::test {
namespace {

class ASmallValue : public WithBroker {
  protected:
    template <typename T> Value<T> value(const T& initial = {}) {
        return Value<T>::create("num", initial, {.broker = &broker});
    }
};

TEST_F(ASmallValue, ExchangesAndTellsWhatItWas) {
    auto number = value<int>(1);
    EXPECT_EQ(number.exchange(2), 1);
    EXPECT_EQ(number.load(), 2);
}

TEST_F(ASmallValue, IsExchangedOnlyIfItIsWhatIsExpected) {
    auto number = value<double>(1.5);
    double expected = 2;
    EXPECT_FALSE(number.compare_exchange(expected, 3));
    EXPECT_EQ(expected, 1.5);
    EXPECT_TRUE(number.compare_exchange(expected, 3));
    EXPECT_EQ(number.load(), 3);
}

TEST_F(ASmallValue, IsAddedToAndWrapsAround) {
    auto number = value<std::int8_t>(127);
    EXPECT_EQ(number.fetch_add(1), 127);
    EXPECT_EQ(number.fetch_sub(1), -128);
    EXPECT_EQ(number.load(), 127);
}

TEST_F(ASmallValue, OfFractionsIsAddedToAsWell) {
    auto number = value<double>(0.25);
    EXPECT_EQ(number.fetch_add(0.5), 0.25);
    EXPECT_EQ(number.fetch_sub(0.25), 0.75);
    EXPECT_EQ(number.load(), 0.5);
}

TEST_F(ASmallValue, CombinesItsBits) {
    auto bits = value<std::uint16_t>(0b1100);
    EXPECT_EQ(bits.fetch_and(0b0110), 0b1100);
    EXPECT_EQ(bits.fetch_or(0b0001), 0b0100);
    EXPECT_EQ(bits.fetch_xor(0b1111), 0b0101);
    EXPECT_EQ(bits.load(), 0b1010);
}

TEST_F(ASmallValue, KeepsTheLeastOrTheGreatest) {
    auto number = value<int>(5);
    EXPECT_EQ(number.fetch_max(7), 5);
    EXPECT_EQ(number.fetch_max(6), 7);
    EXPECT_EQ(number.fetch_min(-1), 7);
    EXPECT_EQ(number.load(), -1);
}

TEST_F(ASmallValue, LosesNoAdditionOfAnyProcess) {
    const auto number = value<std::uint64_t>(0);
    std::vector<ChildProcess> processes;
    for (int process = 0; process < 4; ++process) {
        processes.emplace_back([&](Lines&) {
            Broker own(daemon.socket_path());
            auto same = Value<std::uint64_t>::open("num", {.broker = &own});
            for (int round = 0; round < 50'000; ++round) {
                same.fetch_add(1);
                same.update([](std::uint64_t& all) { ++all; });
            }
        });
    }
    for (ChildProcess& one : processes) {
        EXPECT_EQ(one.wait(), 0);
    }
    EXPECT_EQ(number.load(), 400'000U);
}

template <typename T>
concept CanBeStored = requires(Value<T> value, T to) { value.store(to); };
template <typename T>
concept CanBeAddedTo = requires(Value<T> value, T by) { value.fetch_add(by); };
template <typename T>
concept HasBits = requires(Value<T> value, T bits) { value.fetch_and(bits); };
template <typename T>
concept CanBeExchanged = requires(Value<T> value, T by) { value.exchange(by); };

TEST(AValueOfAnyType, HasNoMemberForWhatItCannotDo) {
    struct Three {
        int a, b, c;
    };
    EXPECT_TRUE(CanBeStored<bool> && CanBeExchanged<bool> && !CanBeAddedTo<bool> && !HasBits<bool>);
    EXPECT_TRUE(CanBeStored<float> && CanBeAddedTo<float> && !HasBits<float>);
    EXPECT_TRUE(CanBeAddedTo<long> && HasBits<long>);
    EXPECT_TRUE(!CanBeStored<const int> && !CanBeAddedTo<const int> && !CanBeExchanged<const int>);
    EXPECT_TRUE(CanBeStored<Three> && !CanBeExchanged<Three> && !CanBeAddedTo<Three>);
}

struct Pose {
    std::array<double, 10> place;
    char letter;
};

class ALargeValue : public WithBroker {
  protected:
    Value<Pose> pose = Value<Pose>::create("pose", {{1, 2, 3}, 'a'}, {.broker = &broker});
};

TEST_F(ALargeValue, IsCreatedWithItsInitialContents) {
    const Pose seen = Value<const Pose>::open("pose", {.broker = &broker}).load();
    EXPECT_EQ(seen.place[2], 3);
    EXPECT_EQ(seen.letter, 'a');
}

TEST_F(ALargeValue, IsStoredAndLoaded) {
    for (int round = 0; round < 5; ++round) { // by both slots
        Pose next{};
        next.place[9] = round;
        next.letter = static_cast<char>('b' + round);
        pose.store(next);
        const Pose seen = pose.load();
        EXPECT_EQ(seen.place[9], round);
        EXPECT_EQ(seen.letter, next.letter);
    }
}

TEST_F(ALargeValue, IsUpdatedByAll) {
    std::vector<ChildProcess> processes;
    for (int process = 0; process < 4; ++process) {
        processes.emplace_back([&](Lines&) {
            Broker own(daemon.socket_path());
            auto same = Value<Pose>::open("pose", {.broker = &own});
            for (int round = 0; round < 5'000; ++round) {
                same.update([](Pose& one) { one.place[0] += 1; });
            }
        });
    }
    for (ChildProcess& one : processes) {
        EXPECT_EQ(one.wait(), 0);
    }
    EXPECT_EQ(pose.load().place[0], 20'001);
}

TEST_F(ALargeValue, StaysAsItWasIfItsUpdateThrows) {
    EXPECT_THROW(pose.update([](Pose& one) {
        one.place[0] = 99;
        throw std::runtime_error("no");
    }),
                 std::runtime_error);
    EXPECT_EQ(pose.load().place[0], 1);
    EXPECT_FALSE(pose.mutex().is_held());
}

TEST_F(ALargeValue, IsReadWhileItsWriterHoldsTheLock) {
    const std::scoped_lock lock(pose.mutex());
    ChildProcess reader([&](Lines&) {
        Broker own(daemon.socket_path());
        EXPECT_EQ(Value<const Pose>::open("pose", {.broker = &own}).load().place[1], 2);
    });
    EXPECT_EQ(reader.wait(), 0);
}

TEST_F(ALargeValue, OfAnOddSizeIsWholeToItsLastByte) {
    using Odd = std::array<char, 13>;
    auto odd = Value<Odd>::create("odd", {"hello, world"}, {.broker = &broker});
    EXPECT_STREQ(odd.load().data(), "hello, world");
    odd.store({"other, words"});
    EXPECT_STREQ(odd.load().data(), "other, words");
}

TEST_F(ALargeValue, MovesItsVersionWithEachStore) {
    const Version before = pose.version();
    pose.store({});
    EXPECT_NE(pose.version(), before);
}

TEST_F(ALargeValue, IsTheSameToTheShell) {
    auto bytes = Segment::open("pose", Access::write, {}, {.broker = &broker});
    Pose seen{};
    bytes.load(std::as_writable_bytes(std::span(&seen, 1)));
    EXPECT_EQ(seen.place[1], 2);
    seen.place[1] = 7;
    bytes.store(std::as_bytes(std::span(&seen, 1)));
    EXPECT_EQ(pose.load().place[1], 7);
    std::byte one{};
    EXPECT_THROW(bytes.load(std::span(&one, 1)), std::invalid_argument);
}

} // namespace
} // namespace memshare::test
