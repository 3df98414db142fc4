// Structs with padding: bytes that belong to no member, and say nothing.
#include "tests/support/with_broker.h"

#include <array>
#include <cstring>
#include <thread>

namespace memshare::test {
namespace {

struct Small { // of 8 bytes, with 3 of padding
    char sign;
    int number;
};
struct Large { // of 24 bytes, with 4 of padding
    double x, y;
    float heading;
};
struct Fractions { // without padding, though not of unique representation
    float a, b;
};

static_assert(!detail::WithoutPadding<Small> && !detail::WithoutPadding<Large>);
static_assert(detail::WithoutPadding<Fractions> && detail::WithoutPadding<double> &&
              detail::WithoutPadding<bool>);

// The same value, with padding of this byte.
template <typename T> T with_padding(const T& value, int byte) {
    T copy;
    std::memset(static_cast<void*>(&copy), byte, sizeof(copy));
    if constexpr (std::same_as<T, Small>) {
        copy.sign = value.sign;
        copy.number = value.number;
    } else {
        copy.x = value.x;
        copy.y = value.y;
        copy.heading = value.heading;
    }
    return copy;
}

class Padding : public WithBroker {
  protected:
    Value<Small> small =
        Value<Small>::create("small", with_padding(Small{'+', 1}, 0x55), {.broker = &broker});
    Value<Large> large =
        Value<Large>::create("large", with_padding(Large{1, 2, 3}, 0x55), {.broker = &broker});

    std::byte byte_of(const char* name, std::size_t at) {
        return Segment::open(name, Access::read, {}, {.broker = &broker}).payload()[at];
    }
};

TEST_F(Padding, IsStoredAsZeros) {
    constexpr std::size_t in_small = 1, in_large = 20, slot = 64;
    EXPECT_EQ(byte_of("small", in_small), std::byte{0}) << "at creation";
    EXPECT_EQ(byte_of("large", in_large), std::byte{0}) << "at creation";
    small.store(with_padding(Small{'-', 2}, 0x55));
    EXPECT_EQ(byte_of("small", in_small), std::byte{0});
    small.exchange(with_padding(Small{'-', 3}, 0x55));
    EXPECT_EQ(byte_of("small", in_small), std::byte{0});
    small.update([](Small& is) { is = with_padding(Small{'-', 4}, 0x55); });
    EXPECT_EQ(byte_of("small", in_small), std::byte{0});
    large.store(with_padding(Large{4, 5, 6}, 0x55));
    large.update([](Large& is) { is = with_padding(Large{5, 6, 7}, 0x55); });
    auto segment = Segment::open("large", Access::read, {}, {.broker = &broker});
    const std::byte* slots = segment.payload().data();
    EXPECT_EQ(slots[in_large], std::byte{0});
    EXPECT_EQ(slots[slot + in_large], std::byte{0});
}

TEST_F(Padding, IsNotCompared) {
    Small expected = with_padding(Small{'+', 1}, 0xaa);
    EXPECT_TRUE(small.compare_exchange(expected, with_padding(Small{'+', 2}, 0x55)));
    EXPECT_FALSE(small.compare_exchange(expected, {}));
    EXPECT_EQ(expected.number, 2);
    EXPECT_TRUE(small.compare_exchange(expected, {'+', 3}));
}

TEST_F(Padding, ThatAnotherProgramHasStoredIsNotCompared) {
    const Small other = with_padding(Small{'+', 1}, 0x77);
    auto segment = Segment::open("small", Access::write, {}, {.broker = &broker});
    segment.store(std::as_bytes(std::span(&other, 1)));
    Small expected{'+', 1};
    EXPECT_TRUE(small.compare_exchange(expected, {'+', 2}));
    segment.store(std::as_bytes(std::span(&other, 1)));
    expected = {'+', 9};
    EXPECT_FALSE(small.compare_exchange(expected, {}));
    EXPECT_TRUE(small.compare_exchange(expected, {'+', 2}));
}

TEST_F(Padding, EndsNoLoopOfExchangesTooLate) {
    std::array<std::jthread, 2> threads;
    for (auto& thread : threads) {
        thread = std::jthread([this] {
            for (int round = 0; round < 1000; ++round) {
                Small seen = small.load();
                do {
                    seen = with_padding(seen, round);
                } while (
                    !small.compare_exchange(seen, with_padding(Small{seen.sign, seen.number + 1}, ~round)));
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(small.load().number, 2001);
}

TEST_F(Padding, EndsNoWait) {
    EXPECT_FALSE(small.wait_for(with_padding(Small{'+', 1}, 0xaa), milliseconds(1)));
    EXPECT_FALSE(large.wait_for(with_padding(Large{1, 2, 3}, 0xaa), milliseconds(1)));
    EXPECT_TRUE(small.wait_for(Small{'+', 2}, milliseconds(1)));
    EXPECT_TRUE(large.wait_for(Large{1, 2, 4}, milliseconds(1)));
}

} // namespace
} // namespace memshare::test
