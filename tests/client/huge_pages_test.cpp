// Huge pages: a segment has them, or says that it has none.
#include "proto/mapping.h"
#include "tests/support/kernel_setting.h"
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <sys/mman.h>

#include <array>
#include <fstream>
#include <sstream>

namespace memshare::test {
namespace {

constexpr std::size_t MiB = std::size_t{1} << 20;
constexpr std::size_t huge = 2 * MiB;

std::uint64_t available() { return KernelSetting::available_pages_of_2m(); }

class AHugePage : protected WithPool, public WithBroker {
  public:
    explicit AHugePage(const BrokerProcess::Arguments& arguments = {}) : WithBroker(arguments) {}

  protected:
    CreateOptions with(HugePages pages) { return {.huge_pages = pages, .broker = &broker}; }
    CreateOptions pooled() { return with(HugePages::size_2m); }
};

TEST_F(AHugePage, OfThePoolIsWhatASegmentIsMadeOf) {
    NEEDS_FREE_PAGES_OF_2M(2);
    const auto made = Array<char>::create("arr", 3 * MiB, pooled());
    EXPECT_EQ(made.info().huge_pages, HugePages::size_2m);
    EXPECT_EQ(broker.describe("arr").segment.huge_pages, HugePages::size_2m);
    EXPECT_EQ(made.size(), 3 * MiB);
    EXPECT_EQ(available(), 0U);
}

TEST_F(AHugePage, GoesBackToThePoolWithItsSegment) {
    NEEDS_FREE_PAGES_OF_2M(1);
    {
        const auto made = Value<int>::create("num", 1, pooled());
        broker.destroy("num");
        EXPECT_EQ(available(), 0U); // it is mapped still
    }
    EXPECT_TRUE(eventually([] { return available() == 1; }));
}

TEST_F(AHugePage, ThatThePoolDoesNotHaveIsReplacedByOrdinaryOnes) {
    NEEDS_FREE_PAGES_OF_2M(1);
    const auto made = Array<int>::create("arr", {1, 2, 3}, pooled());
    const auto more = Array<int>::create("more", {1, 2, 3}, pooled());
    EXPECT_EQ(made.info().huge_pages, HugePages::size_2m);
    EXPECT_EQ(more.info().huge_pages, HugePages::no);
    EXPECT_EQ(more[2], 3);
}

TEST_F(AHugePage, HoldsValuesOfAnySizeAndTheirLock) {
    NEEDS_FREE_PAGES_OF_2M(2);
    struct Large {
        std::array<std::int64_t, 100> numbers;
    };
    auto small = Value<int>::create("small", 1, pooled());
    auto large = Value<Large>::create("large", {}, pooled());
    EXPECT_EQ(large.info().huge_pages, HugePages::size_2m);
    large.update([](Large& value) { value.numbers[99] = 5; });
    EXPECT_EQ(Value<const Large>::open("large", {.broker = &broker}).load().numbers[99], 5);
    const std::scoped_lock both(small.mutex(), large.mutex());
    EXPECT_EQ(Value<int>::open("small", {.broker = &broker}).fetch_add(1), 1);
}

TEST_F(AHugePage, PassesOnTheLockOfTheDead) {
    NEEDS_FREE_PAGES_OF_2M(1);
    auto num = Value<int>::create("num", 0, pooled());
    ChildProcess holder([&](Lines& parent) {
        Broker own(daemon.socket_path());
        auto same = Value<int>::open("num", {.broker = &own});
        same.mutex().lock();
        parent.say("locked");
        parent.hear();
    });
    EXPECT_EQ(holder.hear(), "locked");
    const pid_t pid = holder.pid();
    holder.kill();
    const std::scoped_lock lock(num.mutex());
    const auto dead = num.mutex().recovered();
    ASSERT_TRUE(dead);
    EXPECT_EQ(dead->pid, pid);
}

TEST_F(AHugePage, CanBeFrozen) {
    NEEDS_FREE_PAGES_OF_2M(1);
    auto options = pooled();
    options.freezable = true;
    auto num = Value<int>::create("num", 5, options);
    const auto frozen = num.freeze();
    EXPECT_EQ(frozen.load(), 5);
    EXPECT_TRUE(broker.describe("num").segment.frozen);
}

TEST_F(AHugePage, OfAnExclusiveWriterTellsItsReadersAndStaysWhereItIs) {
    NEEDS_FREE_PAGES_OF_2M(2);
    auto options = pooled();
    options.exclusive_writer = true;
    auto arr = Array<char>::create("arr", 3 * MiB, options);
    ASSERT_EQ(arr.info().huge_pages, HugePages::size_2m);
    EXPECT_EQ(madvise(arr.span().data() + huge - arr.info().payload_offset, huge, MADV_REMOVE), -1);
    EXPECT_EQ(errno, EPERM);
    const auto seen = Array<const char>::open("arr", {.broker = &broker});
    const auto before = seen.version();
    arr.notify_all();
    EXPECT_NE(seen.version(), before);
}

// By another client than ours, which may touch it when it likes.
TEST_F(AHugePage, IsReservedBeforeItIsTouched) {
    NEEDS_FREE_PAGES_OF_2M(2);
    RawPeer peer(daemon.socket_path());
    Json call = array_of_i32("arr", MiB / 2);
    call["hugePages"] = "size_2m";
    const auto first = peer.call("Create", call);
    EXPECT_EQ(first["segment"]["hugePages"], "size_2m");
    call["name"] = "more";
    EXPECT_FALSE(peer.call("Create", call)["segment"].contains("hugePages"));
    ChildProcess toucher([&](Lines&) {
        const auto mapped =
            proto::Mapping::map(first.fds.at(0).number(), 2 * huge, proto::Mapping::Access::write);
        ASSERT_TRUE(mapped);
        mapped->bytes()[0] = mapped->bytes()[huge] = std::byte{1};
    });
    EXPECT_EQ(toucher.wait(), 0);
}

TEST_F(AHugePage, OfThePoolTakesNoInitialContentsFromTheBroker) {
    RawPeer peer(daemon.socket_path());
    Json call = array_of_i32("arr");
    call["hugePages"] = "size_2m";
    call["initial"] = "AQAAAA==";
    const auto refused = peer.call("Create", call);
    EXPECT_EQ(refused.error(), "org.varlink.service.InvalidParameter");
    EXPECT_EQ(refused["parameter"], "initial");
}

class AFewHugePages : public AHugePage {
  public:
    AFewHugePages() : AHugePage({"--bytes-per-user", "3M"}) {}
};

TEST_F(AFewHugePages, AreChargedWhole) {
    NEEDS_FREE_PAGES_OF_2M(2);
    const auto made = Value<int>::create("num", 1, pooled());
    EXPECT_EQ(error_of([&] { Value<int>::create("more", 1, pooled()); }).code(), Errc::quota_exceeded);
    EXPECT_NO_THROW(Value<int>::create("small", 1, with(HugePages::no)));
}

TEST_F(AFewHugePages, AreNotChargedWhereThereAreNone) {
    NEEDS_FREE_PAGES_OF_2M(0);
    const auto made = Value<int>::create("num", 1, pooled());
    EXPECT_NO_THROW(Value<int>::create("more", 1, pooled()));
}

// How much of the mapping that begins here lies in huge pages, in KiB.
std::size_t huge_kib(const void* start) {
    std::ostringstream wanted;
    wanted << std::hex << reinterpret_cast<std::uintptr_t>(start) << '-';
    std::ifstream maps("/proc/self/smaps");
    bool inside = false;
    for (std::string line; std::getline(maps, line);) {
        inside = inside || line.starts_with(wanted.str());
        if (inside && line.starts_with("ShmemPmdMapped:")) {
            return std::stoul(line.substr(line.find(':') + 1));
        }
    }
    return 0;
}

TEST_F(AHugePage, IsGivenOnTheAdviceOfWhoeverMapsIt) {
    const auto advise = KernelSetting::set("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "advise");
    if (!advise) {
        GTEST_SKIP() << "whether the kernel makes huge pages cannot be changed here";
    }
    const auto made = Array<char>::create("arr", 8 * MiB, with(HugePages::transparent));
    if (made.info().huge_pages == HugePages::no) {
        GTEST_SKIP()
            << "the kernel's huge pages are larger than this segment, or have a setting of their own";
    }
    const auto same = Array<char>::open("arr", {.broker = &broker});
    std::ranges::fill(same, 'x');
    EXPECT_GT(huge_kib(same.span().data() - same.info().payload_offset), 0U);
}

} // namespace
} // namespace memshare::test
