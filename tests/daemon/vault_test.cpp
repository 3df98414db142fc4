// Descriptors that the next process finds, wherever this one was killed; and nothing of what is not wanted.
#include "daemon/vault.h"

#include "tests/daemon/vault_keeper.h"
#include "tests/support/chance.h"
#include "tests/support/child_process.h"
#include "tests/support/steps.h"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>

namespace memshare::daemon {
namespace {

using proto::Fd;
using test::ChildProcess;
using test::Steps;

std::uint64_t inode(int fd) {
    struct stat status{};
    fstat(fd, &status);
    return status.st_ino;
}

// Something to keep: a memfd, that others can see is still owned.
struct Thing {
    std::shared_ptr<Fd> memory = std::make_shared<Fd>(Fd::adopt(memfd_create("thing", MFD_CLOEXEC)));
    std::uint64_t id = inode(memory->number());
    Deposit deposit;

    Vault::Valuable valuable(bool dear = false) const {
        return {.fd = memory->number(), .owner = memory, .bytes = dear ? std::uint64_t{1} << 30 : 4096};
    }
};

class AVault : public testing::Test {
  protected:
    Thing put(bool dear = false) {
        Thing thing;
        thing.deposit = *vault->put(thing.valuable(dear));
        return thing;
    }

    // All that can be done by now.
    void tidy() {
        for (int step = 0; step < 10'000 && vault->next_step(); ++step) {
            vault->step();
        }
        let_go();
    }
    void let_go() { vault->take_dropped(); }

    // What the next process finds under these numbers.
    std::map<std::uint32_t, std::uint64_t> found(const std::vector<std::uint32_t>& numbers) {
        const auto next = keeper.open();
        EXPECT_TRUE(next->fetch({numbers.begin(), numbers.end()}));
        std::map<std::uint32_t, std::uint64_t> all;
        for (const std::uint32_t number : numbers) {
            if (const Fd fd = next->take(number)) {
                all.emplace(number, inode(fd.number()));
            }
        }
        return all;
    }
    bool has(const Thing& thing) {
        const auto all = found({thing.deposit.number()});
        return all.size() == 1 && all.begin()->second == thing.id;
    }

    VaultKeeper keeper;
    std::unique_ptr<Vault> vault = keeper.open();
};

TEST_F(AVault, GivesTheNextProcessWhatWasPutIn) {
    const Thing one = put(), other = put();
    EXPECT_TRUE(has(one));
    EXPECT_TRUE(has(other));
    EXPECT_EQ(keeper.queues(), 2U);
}

TEST_F(AVault, LetsGoOfWhatIsTakenOut) {
    Thing one = put();
    const Thing other = put();
    const std::uint32_t number = one.deposit.number();
    const std::weak_ptr<Fd> memory = one.memory;
    one = Thing();
    EXPECT_TRUE(memory.expired());
    tidy();
    EXPECT_TRUE(found({number}).empty());
    EXPECT_TRUE(has(other));
}

TEST_F(AVault, HasWhatIsDearClosedByWhoeverHasTheTime) {
    Thing dear = put(/*dear=*/true);
    const std::weak_ptr<Fd> memory = dear.memory;
    dear = Thing();
    while (vault->next_step()) {
        vault->step();
    }
    EXPECT_FALSE(memory.expired());
    let_go();
    EXPECT_TRUE(memory.expired());
}

TEST_F(AVault, HasNothingToDoWhenNothingIsTakenOut) {
    EXPECT_FALSE(vault->next_step());
    const Thing one = put();
    EXPECT_FALSE(vault->next_step());
}

TEST_F(AVault, TakesItsTimeUnlessWhatIsTakenOutIsDear) {
    put();
    ASSERT_TRUE(vault->next_step());
    EXPECT_GT(*vault->next_step(), std::chrono::milliseconds(10));
    put(/*dear=*/true);
    EXPECT_EQ(*vault->next_step(), std::chrono::milliseconds(0));
}

TEST_F(AVault, KeepsManyInFewQueues) {
    std::vector<Thing> things;
    for (int number = 0; number < 3000; ++number) {
        things.push_back(put());
    }
    tidy();
    EXPECT_EQ(keeper.queues(), 2U);
    for (std::size_t at = 0; at < things.size(); at += 100) {
        ASSERT_TRUE(has(things[at])) << at;
    }
}

TEST_F(AVault, HasWhatIsWantedAndNothingElseAfterMuchComingAndGoing) {
    std::vector<Thing> kept;
    std::vector<std::uint32_t> numbers;
    for (int round = 0; round < 5000; ++round) {
        Thing thing = put(round % 7 == 0);
        numbers.push_back(thing.deposit.number());
        if (round % 10 == 0) {
            kept.push_back(std::move(thing));
        }
        vault->step();
        let_go();
    }
    tidy();
    std::map<std::uint32_t, std::uint64_t> wanted;
    for (const Thing& thing : kept) {
        wanted.emplace(thing.deposit.number(), thing.id);
    }
    EXPECT_EQ(found(numbers), wanted);
    EXPECT_EQ(vault->size(), kept.size());
    EXPECT_EQ(keeper.queues(), 2U);
}

TEST_F(AVault, GoesOnInTheNextProcess) {
    std::vector<std::pair<std::uint32_t, std::uint64_t>> first;
    std::vector<Thing> things;
    for (int number = 0; number < 300; ++number) {
        things.push_back(put());
        first.emplace_back(things.back().deposit.number(), things.back().id);
    }
    vault->step();
    auto next = keeper.open();
    std::unordered_set<std::uint32_t> numbers;
    std::ranges::for_each(first, [&](const auto& one) { numbers.insert(one.first); });
    ASSERT_TRUE(next->fetch(numbers));
    std::vector<Thing> taken_up;
    for (std::size_t at = 0; at < first.size(); at += 2) {
        Thing& thing = taken_up.emplace_back();
        *thing.memory = next->take(first[at].first);
        ASSERT_EQ(inode(thing.memory->number()), first[at].second);
        thing.deposit = next->put_back(first[at].first, thing.valuable());
    }
    next->drop_the_rest();
    static auto& dead = *new std::vector<Thing>; // of a process that is no more
    std::ranges::move(things, std::back_inserter(dead));
    vault = std::move(next);
    tidy();
    EXPECT_EQ(vault->size(), taken_up.size());
    const Thing more = put();
    EXPECT_TRUE(has(more));
    for (std::size_t at = 0; at < first.size(); ++at) {
        ASSERT_EQ(found({first[at].first}).size(), at % 2 == 0 ? 1U : 0U) << at;
    }
}

TEST_F(AVault, IsTurnedOverHoweverMuchComesAndGoesMeanwhile) {
    std::vector<Thing> others;
    for (int number = 0; number < 300; ++number) {
        others.push_back(put());
    }
    Thing dear = put(/*dear=*/true);
    const std::weak_ptr<Fd> memory = dear.memory;
    tidy(); // so all are old
    dear = Thing();
    const auto until = test::Clock::now() + test::long_enough;
    while (!memory.expired() && test::Clock::now() < until) {
        put();
        vault->step();
        let_go();
    }
    EXPECT_TRUE(memory.expired());
}

TEST_F(AVault, GivesQueuesBackThatItTookForACrowd) {
    std::vector<Thing> things;
    for (int number = 0; number < 3000; ++number) {
        things.push_back(put());
    }
    EXPECT_LE(keeper.queues(), Vault::most_queues);
    things.clear();
    tidy();
    EXPECT_EQ(keeper.queues(), 2U);
    EXPECT_EQ(vault->size(), 0U);
}

TEST_F(AVault, GivesAChargeBackWhenItsRoomIsFree) {
    Quota quota{Limits{}};
    Thing thing = put();
    thing.deposit.take_out(*quota.charge(7, Resource::descriptors, 1));
    EXPECT_EQ(quota.used_by(7)[static_cast<std::size_t>(Resource::descriptors)], 1U);
    tidy();
    EXPECT_EQ(quota.used_by(7)[static_cast<std::size_t>(Resource::descriptors)], 0U);
}

// A child that puts something in, takes something out and tidies up is killed at one instruction after the
// other. (See ledger_test.cpp.)
TEST_F(AVault, LosesNothingWhereverItsProcessIsKilled) {
    const auto usual = test::thread_sanitized ? 9973 : test::sanitized ? 997 : 97;
    const auto stride = static_cast<int>(test::setting("MEMSHARE_TEST_STRIDE", usual));
    int kills = 0;
    for (int step = static_cast<int>(test::Chance().below(static_cast<std::uint64_t>(stride))); true;
         step += stride) {
        keeper = VaultKeeper();
        vault = keeper.open();
        const Thing one = put(), other = put();
        Thing gone = put();
        Thing late;
        ChildProcess child([&](auto&) {
            Steps::begin();
            late.deposit = *vault->put(late.valuable());
            gone.deposit = {};
            tidy();
            Steps::mark();
            pause();
        });
        const bool is_over = !Steps(child.pid()).take(step);
        child.kill();
        ++kills;
        ASSERT_TRUE(has(one)) << step;
        ASSERT_TRUE(has(other)) << step;
        ASSERT_TRUE(!is_over || !has(gone));
        if (is_over) {
            break;
        }
    }
    std::cout << "    killed at " << kills << " instructions\n";
}

} // namespace
} // namespace memshare::daemon
