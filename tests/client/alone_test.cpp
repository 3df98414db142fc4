// A segment that is one process's alone, until it is shared.
#include "tests/support/kernel.h"
#include "tests/support/with_broker.h"

#include <algorithm>
#include <cstring>

namespace memshare::test {
namespace {

class ASegmentAlone : public WithBroker {
  protected:
    static Plan of(std::uint64_t count) {
        return {.form = count == 1 ? Form::value : Form::array, .element = element_of<int>(), .count = count};
    }
    Segment make(const Plan& plan, int initial = 7) {
        return Segment::create_alone(plan, std::as_bytes(std::span(&initial, 1)),
                                     {.lifetime = Lifetime::attached, .broker = &broker});
    }
    static int first_of(const Segment& segment) {
        int value = 0;
        std::memcpy(&value, segment.payload().data(), sizeof(value));
        return value;
    }
};

TEST_F(ASegmentAlone, IsNotKnownToTheBroker) {
    const Segment segment = make(of(1));
    EXPECT_FALSE(segment.is_shared());
    EXPECT_EQ(segment.info().type(), "value of i32");
    EXPECT_EQ(first_of(segment), 7);
    EXPECT_TRUE(broker.list().empty());
}

TEST_F(ASegmentAlone, IsOpenedByItsIdOnceItIsShared) {
    Segment segment = make(of(1));
    EXPECT_EQ(segment.info().id, "");
    segment.share();
    EXPECT_TRUE(segment.is_shared());
    auto opened = Value<int>::open_by_id(segment.info().id, {.broker = &broker});
    EXPECT_EQ(opened.load(), 7);
    opened.store(8);
    EXPECT_EQ(first_of(segment), 8);
}

TEST_F(ASegmentAlone, StaysInItsPlaceWhenItIsShared) {
    Segment segment = make(of(100));
    const std::byte* place = segment.payload().data();
    segment.share();
    EXPECT_EQ(segment.payload().data(), place);
    EXPECT_EQ(segment.payload().size(), 400U);
}

TEST_F(ASegmentAlone, WithAPayloadOnPagesOfItsOwnIsSharedWhole) {
    Segment segment = make(of(4096));
    std::ranges::fill(segment.payload(), std::byte{0x5a});
    segment.share();
    const auto opened = Array<int>::open_by_id(segment.info().id, {.broker = &broker});
    EXPECT_EQ(opened.size(), 4096U);
    EXPECT_TRUE(std::ranges::all_of(opened, [](int element) { return element == 0x5a5a5a5a; }));
}

TEST_F(ASegmentAlone, StaysLockedWhenItIsShared) {
    Segment segment = make(of(1));
    segment.mutex().lock();
    segment.mutex().lock();
    segment.share();
    EXPECT_TRUE(segment.mutex().is_held());
    Broker other(daemon.socket_path());
    const auto opened = Value<int>::open_by_id(segment.info().id, {.broker = &other});
    EXPECT_FALSE(opened.mutex().try_lock());
    EXPECT_EQ(broker.describe(segment.info().id).lock.holder->pid, getpid());
    segment.mutex().unlock();
    EXPECT_FALSE(opened.mutex().try_lock());
    segment.mutex().unlock();
    EXPECT_TRUE(opened.mutex().try_lock());
    opened.mutex().unlock();
}

TEST_F(ASegmentAlone, LeavesNothingBehind) {
    broker.version();
    const std::size_t fds = open_fds(getpid());
    {
        const Segment segment = make(of(1));
    }
    {
        Segment segment = make(of(1));
        segment.share();
        EXPECT_EQ(broker.list().size(), 1U);
    }
    EXPECT_TRUE(broker.list().empty());
    EXPECT_EQ(open_fds(getpid()), fds);
}

TEST_F(ASegmentAlone, IsAsItWasWhenTheBrokerRefusesToShareIt) {
    const BrokerProcess narrow({"--segments-per-user", "1"});
    Broker own(narrow.socket_path());
    const auto only = Value<int>::create(unnamed, 1, {.broker = &own});
    constexpr int initial = 7;
    Segment segment = Segment::create_alone(of(1), std::as_bytes(std::span(&initial, 1)), {.broker = &own});
    EXPECT_EQ(error_of([&] { segment.share(); }).code(), Errc::quota_exceeded);
    EXPECT_FALSE(segment.is_shared());
    EXPECT_EQ(first_of(segment), 7);
    EXPECT_TRUE(segment.mutex().try_lock());
    segment.mutex().unlock();
}

TEST_F(ASegmentAlone, IsZeroAlsoWhereAnotherOneWas) {
    for (int i = 0; i < 3; ++i) {
        const Segment segment = make(of(100), 0);
        EXPECT_TRUE(
            std::ranges::all_of(segment.payload(), [](std::byte byte) { return byte == std::byte{}; }));
        EXPECT_EQ(segment.header().change.version.load(), 0U);
        segment.mutex().lock();
        segment.changes().notify_all();
        std::ranges::fill(segment.payload(), std::byte{0x5a});
    }
}

TEST_F(ASegmentAlone, IsNotTheForkedChilds) {
    Segment segment = make(of(1));
    ChildProcess child(
        [&](Lines&) { EXPECT_EQ(error_of([&] { segment.mutex().lock(); }).code(), Errc::no_such_segment); });
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(ASegmentAlone, CannotBeOfWhatNoSegmentIs) {
    EXPECT_EQ(error_of([&] { make(of(0)); }).code(), Errc::invalid_argument);
    EXPECT_EQ(
        error_of([&] { Segment::create_alone(of(1), {}, {.reserve = true, .broker = &broker}); }).code(),
        Errc::invalid_argument);
}

} // namespace
} // namespace memshare::test
