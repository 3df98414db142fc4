// What a session leaves in memory, made good.
#include "daemon/recovery.h"

#include <memshare/abi/lock_word.hpp>

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace memshare::daemon {
namespace {

using proto::Mapping;

constexpr HolderId dead = 5;
constexpr HolderId alive = 6;

class ARecovery : public testing::Test {
  protected:
    static Segment made(proto::Type type, Seals seals = Seals::all) {
        const auto id = proto::SegmentId::random();
        return {.is = {.id = id,
                       .name = {},
                       .type = std::move(type),
                       .lifetime = {},
                       .rights = {},
                       .exclusive_writer = seals == Seals::exclusive_writer},
                .memory = *Memory::create(id, abi::page, seals),
                .creator_program = {},
                .last_recovery = {},
                .segment_charge = {},
                .bytes_charge = {},
                .descriptor_charge = {},
                .attached = {}};
    }
    static proto::Type value_of(std::uint32_t size) {
        return {.form = proto::Form::value,
                .element = {.kind = proto::ElementKind::structure, .size = size, .name = {}, .fields = {}},
                .count = 1,
                .shape = {}};
    }

    Segment segment = made(value_of(8));
    Mapping mapping = *segment.memory.map_header(Mapping::Access::write);
    abi::Header& header = *reinterpret_cast<abi::Header*>(mapping.bytes().data());
};

TEST_F(ARecovery, PassesOnTheLockOfTheDead) {
    header.lock.word = dead | abi::waiting_bit;
    header.lock.owner = 1;
    header.lock.depth = 2;
    EXPECT_TRUE(recover(segment, dead));
    EXPECT_EQ(header.lock.word, abi::died_bit | abi::waiting_bit);
    EXPECT_EQ(header.lock.owner, 0U);
    EXPECT_EQ(header.lock.depth, 0U);
    EXPECT_EQ(header.lock.recoveries, 1U);
}

TEST_F(ARecovery, LeavesTheLockOfTheLivingAlone) {
    header.lock.word = alive;
    header.lock.owner = 1;
    header.lock.depth = 2;
    EXPECT_FALSE(recover(segment, dead));
    EXPECT_FALSE(recover_lock(segment, dead));
    EXPECT_EQ(header.lock.word, alive);
    EXPECT_EQ(header.lock.depth, 2U);
    EXPECT_EQ(header.lock.recoveries, 0U);
}

TEST_F(ARecovery, LeavesAFreeLockFree) {
    header.lock.word = 0;
    EXPECT_FALSE(recover(segment, dead));
    EXPECT_EQ(header.lock.word, 0U);
}

TEST_F(ARecovery, TellsWaitersToLookAgain) {
    header.change.signal = 7;
    header.change.version = 3;
    recover(segment, dead);
    EXPECT_EQ(header.change.signal, 8U);
    EXPECT_EQ(header.change.version, 4U);
}

TEST_F(ARecovery, DoesNotMoveAVersionThatSaysWhichSlotHolds) {
    const Segment large = made(value_of(24));
    const auto its_mapping = *large.memory.map_header(Mapping::Access::write);
    auto& its_header = *reinterpret_cast<abi::Header*>(its_mapping.bytes().data());
    its_header.change.version = 3;
    recover(large, dead);
    EXPECT_EQ(its_header.change.version, 3U);
    EXPECT_EQ(its_header.change.signal, 1U);
}

TEST_F(ARecovery, OfALockAloneWakesNoOtherWaiter) {
    header.lock.word = dead;
    EXPECT_TRUE(recover_lock(segment, dead));
    EXPECT_EQ(header.lock.word, abi::died_bit);
    EXPECT_EQ(header.change.signal, 0U);
}

std::uint64_t pages_of(const Memory& memory) {
    struct stat status{};
    fstat(memory.writable(), &status);
    return static_cast<std::uint64_t>(status.st_blocks);
}

TEST_F(ARecovery, AllocatesNoPageThatNobodyTouched) {
    const Segment untouched = made(value_of(8));
    EXPECT_FALSE(recover(untouched, dead));
    EXPECT_FALSE(recover_lock(untouched, dead));
    EXPECT_FALSE(untouched.memory.lock_word());
    EXPECT_EQ(pages_of(untouched.memory), 0U);
}

TEST_F(ARecovery, OfAFrozenOneDoesNothing) {
    Segment frozen = made(value_of(8), Seals::freezable);
    ASSERT_TRUE(frozen.memory.freeze());
    frozen.frozen = true;
    EXPECT_FALSE(recover(frozen, dead));
    EXPECT_TRUE(count_watcher(frozen, true));
}

TEST_F(ARecovery, OfAnExclusiveWritersOneChangesNothing) {
    Segment exclusive = made(value_of(8), Seals::exclusive_writer);
    ASSERT_TRUE(tell_all_changes(exclusive.memory));
    const auto its_mapping = *exclusive.memory.map_header(Mapping::Access::write);
    const auto& its_header = *reinterpret_cast<abi::Header*>(its_mapping.bytes().data());
    ASSERT_TRUE(exclusive.memory.forbid_new_writers());
    EXPECT_FALSE(recover(exclusive, dead));
    EXPECT_TRUE(count_watcher(exclusive, true));
    EXPECT_EQ(its_header.change.watchers, 1U);
}

TEST_F(ARecovery, CountsThoseWhoWaitWithoutBeingAbleToWrite) {
    EXPECT_TRUE(count_watcher(segment, true));
    EXPECT_TRUE(count_watcher(segment, true));
    EXPECT_EQ(header.change.watchers, 2U);
    EXPECT_TRUE(count_watcher(segment, false));
    EXPECT_EQ(header.change.watchers, 1U);
}

TEST_F(ARecovery, DoesNotCountBelowNothing) {
    header.change.watchers = 0; // somebody who can write did that
    EXPECT_TRUE(count_watcher(segment, false));
    EXPECT_EQ(header.change.watchers, 0U);
}

} // namespace
} // namespace memshare::daemon
