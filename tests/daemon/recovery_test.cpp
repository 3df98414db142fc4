// What a session leaves in memory, made good.
#include "daemon/recovery.h"

#include "tests/support/kernel_setting.h"
#include <memshare/abi/lock_word.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

namespace memshare::daemon {
namespace {

using proto::Mapping;

constexpr HolderId dead = 5;
constexpr HolderId alive = 6;

class ARecovery : public testing::Test {
  protected:
    static std::shared_ptr<Memory> made(Seals seals = Seals::all) {
        return std::make_shared<Memory>(*Memory::create(proto::SegmentId::random(), abi::page, seals));
    }

    std::shared_ptr<Memory> memory = made();
    Remains remains{.memory = memory, .counts_changes = true};
    Mapping mapping = *memory->map_header(Mapping::Access::write);
    abi::Header& header = *reinterpret_cast<abi::Header*>(mapping.bytes().data());
};

TEST_F(ARecovery, PassesOnTheLockOfTheDead) {
    header.lock.word = dead | abi::waiting_bit;
    header.lock.owner = 1;
    header.lock.depth = 2;
    EXPECT_TRUE(holds_lock(*memory, dead));
    EXPECT_TRUE(recover(remains, dead));
    EXPECT_EQ(header.lock.word, abi::died_bit | abi::waiting_bit);
    EXPECT_EQ(header.lock.owner, 0U);
    EXPECT_EQ(header.lock.depth, 0U);
    EXPECT_EQ(header.lock.recoveries, 1U);
}

TEST_F(ARecovery, LeavesTheLockOfTheLivingAlone) {
    header.lock.word = alive;
    header.lock.owner = 1;
    header.lock.depth = 2;
    EXPECT_FALSE(holds_lock(*memory, dead));
    EXPECT_TRUE(recover(remains, dead));
    EXPECT_TRUE(recover_lock(remains, dead));
    EXPECT_EQ(header.lock.word, alive);
    EXPECT_EQ(header.lock.depth, 2U);
    EXPECT_EQ(header.lock.recoveries, 0U);
}

TEST_F(ARecovery, LeavesAFreeLockFree) {
    header.lock.word = 0;
    EXPECT_TRUE(recover(remains, dead));
    EXPECT_EQ(header.lock.word, 0U);
}

TEST_F(ARecovery, LeavesTheMarkOfAnEarlierDeathOnAFreeLock) {
    for (const std::uint32_t marked : {abi::died_bit, abi::died_bit | abi::waiting_bit}) {
        header.lock.word = marked;
        EXPECT_FALSE(holds_lock(*memory, dead));
        EXPECT_TRUE(recover(remains, dead));
        EXPECT_TRUE(recover_lock(remains, dead));
        EXPECT_EQ(header.lock.word, marked);
        EXPECT_EQ(header.lock.recoveries, 0U);
    }
}

TEST_F(ARecovery, LeavesTheMarkOfAnEarlierDeathOnTheLockOfTheLiving) {
    header.lock.word = alive | abi::died_bit;
    EXPECT_TRUE(recover(remains, dead));
    EXPECT_EQ(header.lock.word, alive | abi::died_bit);
}

TEST_F(ARecovery, MarksALockAgainThatBoreTheMarkAlready) {
    header.lock.word = dead | abi::died_bit;
    EXPECT_TRUE(holds_lock(*memory, dead));
    EXPECT_TRUE(recover(remains, dead));
    EXPECT_EQ(header.lock.word, abi::died_bit);
    EXPECT_EQ(header.lock.recoveries, 1U);
}

TEST_F(ARecovery, TellsWaitersToLookAgain) {
    header.change.signal = 7;
    header.change.version = 3;
    EXPECT_TRUE(recover(remains, dead));
    EXPECT_EQ(header.change.signal, 8U);
    EXPECT_EQ(header.change.version, 4U);
}

TEST_F(ARecovery, DoesNotMoveAVersionThatSaysWhichSlotHolds) {
    header.change.version = 3;
    remains.counts_changes = false;
    EXPECT_TRUE(recover(remains, dead));
    EXPECT_EQ(header.change.version, 3U);
    EXPECT_EQ(header.change.signal, 1U);
}

TEST_F(ARecovery, OfALockAloneWakesNoOtherWaiter) {
    header.lock.word = dead;
    EXPECT_TRUE(recover_lock(remains, dead));
    EXPECT_EQ(header.lock.word, abi::died_bit);
    EXPECT_EQ(header.change.signal, 0U);
}

std::uint64_t pages_of(const Memory& memory) {
    struct stat status{};
    fstat(memory.writable(), &status);
    return static_cast<std::uint64_t>(status.st_blocks);
}

TEST_F(ARecovery, AllocatesNoPageThatNobodyTouched) {
    const auto untouched = made();
    EXPECT_TRUE(untouched->is_untouched());
    EXPECT_FALSE(holds_lock(*untouched, dead));
    EXPECT_TRUE(recover({.memory = untouched}, dead));
    EXPECT_TRUE(recover_lock({.memory = untouched}, dead));
    EXPECT_EQ(pages_of(*untouched), 0U);
}

void add_seal(const Memory& to, int seal) { ASSERT_EQ(fcntl(to.writable(), F_ADD_SEALS, seal), 0); }

TEST_F(ARecovery, OfAnExclusiveWritersMemoryChangesNothing) {
    const auto exclusive = made(Seals::exclusive_writer);
    const auto its_mapping = *exclusive->map_header(Mapping::Access::write);
    auto& its_header = *reinterpret_cast<abi::Header*>(its_mapping.bytes().data());
    its_header.lock.word = dead;
    its_header.change.watchers = 1;
    add_seal(*exclusive, F_SEAL_FUTURE_WRITE);
    const Remains its_remains{.memory = exclusive, .counts_changes = true, .exclusive_writer = true};
    EXPECT_TRUE(recover(its_remains, dead));
    EXPECT_TRUE(set_watchers(its_remains, 5));
    EXPECT_EQ(its_header.lock.word, dead);
    EXPECT_EQ(its_header.change.watchers, 1U);
}

TEST_F(ARecovery, SaysThatALockStaysHeldInMemoryThatAClientHasSealed) {
    const auto sealed = made(Seals::freezable);
    ASSERT_TRUE(sealed->write(std::as_bytes(std::span(&dead, 1)), offsetof(abi::Header, lock)));
    add_seal(*sealed, F_SEAL_FUTURE_WRITE); // as any client can that may write
    EXPECT_FALSE(recover({.memory = sealed}, dead));
    EXPECT_FALSE(recover_lock({.memory = sealed}, dead));
    EXPECT_TRUE(recover({.memory = sealed}, alive)); // which does not hold it
    EXPECT_TRUE(set_watchers({.memory = sealed}, 1));
}

TEST_F(ARecovery, IsDoneInMemoryThatIsFrozen) {
    const auto frozen = made(Seals::freezable);
    ASSERT_TRUE(frozen->write(std::as_bytes(std::span(&dead, 1)), offsetof(abi::Header, lock)));
    add_seal(*frozen, F_SEAL_WRITE);
    EXPECT_TRUE(recover({.memory = frozen}, dead));
}

TEST_F(ARecovery, StoresHowManyWaitWhateverAHostileWriterHasStored) {
    header.change.watchers = 77;
    EXPECT_TRUE(set_watchers(remains, 2));
    EXPECT_EQ(header.change.watchers, 2U);
    EXPECT_EQ(memory->watchers(), 2U);
    EXPECT_TRUE(set_watchers(remains, 0));
    EXPECT_EQ(header.change.watchers, 0U);
}

class ARecoveryOfThePool : protected test::WithPool, public testing::Test {};

TEST_F(ARecoveryOfThePool, LeavesNoMapping) {
    NEEDS_FREE_PAGES_OF_2M(1);
    const auto memory = std::make_shared<Memory>(
        *Memory::create(proto::SegmentId::random(), abi::page, Seals::all, proto::HugePages::size_2m));
    const auto mapping = *memory->map_header(Mapping::Access::write);
    auto& lock = reinterpret_cast<abi::Header*>(mapping.bytes().data())->lock;
    for (int round = 0; round < 3; ++round) {
        lock.word = dead;
        EXPECT_TRUE(recover({.memory = memory, .counts_changes = true}, dead));
        EXPECT_EQ(lock.word, abi::died_bit);
    }
    std::ifstream maps("/proc/self/maps");
    int mapped = 0;
    for (std::string line; std::getline(maps, line);) {
        mapped += line.find("memfd:memshare") != std::string::npos ? 1 : 0;
    }
    EXPECT_EQ(mapped, 1);
}

} // namespace
} // namespace memshare::daemon
