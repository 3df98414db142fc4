// Value<T>: one typed value that several processes share.
#include "tests/support/with_broker.h"

#include <signal.h>

#include <cstdint>

namespace memshare::test {
namespace {

using AValue = WithBroker;

TEST_F(AValue, ThatOneProcessStoresIsLoadedByAnother) {
    auto number = Value<double>::create("num", 0.0, {.broker = &broker});
    ChildProcess other([&](Lines&) {
        Broker own(daemon.socket_path());
        Value<double>::open("num", {.broker = &own}).store(3.1415926);
    });
    ASSERT_EQ(other.wait(), 0);
    EXPECT_EQ(number.load(), 3.1415926);
}

TEST_F(AValue, IsCreatedWithItsInitialContents) {
    const auto made = Value<std::int64_t>::create("num", -7, {.broker = &broker});
    EXPECT_EQ(Value<std::int64_t>::open("num", {.broker = &broker}).load(), -7);
}

TEST_F(AValue, IsZeroWhenNothingElseIsSaid) {
    EXPECT_EQ(Value<std::uint16_t>::create("num", {}, {.broker = &broker}).load(), 0);
}

template <typename T> class AValueOfType : public WithBroker {};
using Types = testing::Types<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t,
                             std::uint32_t, std::int64_t, std::uint64_t, float, double, bool, char, wchar_t>;
TYPED_TEST_SUITE(AValueOfType, Types);

TYPED_TEST(AValueOfType, HoldsWhatIsStored) {
    auto value = Value<TypeParam>::create("one", {}, {.broker = &this->broker});
    value.store(TypeParam{1});
    EXPECT_EQ(Value<const TypeParam>::open("one", {.broker = &this->broker}).load(), TypeParam{1});
}

struct Point {
    float x, y;
};

TEST_F(AValue, CanBeASmallStruct) {
    const auto made = Value<Point>::create("point", {1.5F, -2.0F}, {.broker = &broker});
    const Point seen = Value<const Point>::open("point", {.broker = &broker}).load();
    EXPECT_EQ(seen.x, 1.5F);
    EXPECT_EQ(seen.y, -2.0F);
}

TEST_F(AValue, ThatIsNoBoolAtAllIsLoadedAsOne) {
    const auto flag = Value<bool>::create("flag", false, {.broker = &broker});
    auto bytes = Segment::open("flag", Access::write, {}, {.broker = &broker});
    bytes.payload()[0] = std::byte{0x42};
    EXPECT_TRUE(flag.load());
}

TEST_F(AValue, OfConstTIsMappedReadOnly) {
    const auto made = Value<int>::create("num", 1, {.broker = &broker});
    ChildProcess writer([&](Lines&) {
        signal(SIGSEGV, SIG_DFL); // not a sanitizer's
        Broker own(daemon.socket_path());
        const auto segment = Segment::open("num", Access::read, {}, {.broker = &own});
        segment.payload()[0] = std::byte{2};
    });
    EXPECT_EQ(writer.wait(), -SIGSEGV);
    EXPECT_EQ(made.load(), 1);
}

TEST_F(AValue, OfAnotherTypeIsRefusedInWordsForBothSides) {
    const auto made = Array<int>::create("arr", 5, {.broker = &broker});
    const Error error = error_of([&] { Value<double>::open("arr", {.broker = &broker}); });
    EXPECT_EQ(error.code(), Errc::type_mismatch);
    EXPECT_EQ(error.segment(), "arr");
    EXPECT_STREQ(error.what(),
                 "\"arr\" is a segment of another type: expected value of f64, found array of 5 i32");
}

TEST_F(AValue, WithoutANameIsOpenedByItsId) {
    const auto made = Value<int>::create(unnamed, 11, {.broker = &broker});
    EXPECT_EQ(made.info().name, "");
    EXPECT_EQ(Value<int>::open_by_id(made.info().id, {.broker = &broker}).load(), 11);
}

TEST_F(AValue, MovesWithItsAttachment) {
    auto first = Value<int>::create("num", 5, {.broker = &broker});
    Value<int> second = std::move(first);
    EXPECT_EQ(second.load(), 5);
    EXPECT_EQ(broker.describe("num").segment.attachments, 1U);
}

TEST_F(AValue, ThatIsAssignedToLetsGoOfWhatItHeld) {
    auto kept = Value<int>::create("kept", 1, {.lifetime = Lifetime::attached, .broker = &broker});
    kept = Value<int>::create("other", 2, {.lifetime = Lifetime::attached, .broker = &broker});
    EXPECT_EQ(kept.load(), 2);
    EXPECT_FALSE(lists(broker, "kept"));
    EXPECT_TRUE(lists(broker, "other"));
}

TEST_F(AValue, TellsWhatItIs) {
    const auto made = Value<double>::create("num", 0.0, {.mode = 0640, .broker = &broker});
    const SegmentInfo& info = made.info();
    EXPECT_EQ(info.type(), "value of f64");
    EXPECT_EQ(info.mode, 0640U);
    EXPECT_EQ(info.creator_pid, getpid());
    EXPECT_EQ(info.uid, getuid());
}

} // namespace
} // namespace memshare::test
