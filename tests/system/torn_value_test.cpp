// A large value whose writers are killed and stopped all the time: it is read whole, and at once.
//
// How often it is read is $MEMSHARE_TEST_READS.
#include "tests/support/chance.h"
#include "tests/support/shared.h"
#include "tests/support/with_broker.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <iostream>
#include <numeric>

namespace memshare::test {
namespace {

// 1 KiB. All of it is made from the number, and no part of one is a part of another.
struct Block {
    std::uint64_t number;
    std::array<std::uint64_t, 126> words;
    std::uint64_t checksum;
};
static_assert(sizeof(Block) == 1024);

std::uint64_t checksum(const Block& block) {
    return std::accumulate(block.words.begin(), block.words.end(), block.number,
                           [](std::uint64_t sum, std::uint64_t word) { return 31 * sum + word; });
}

Block block(std::uint64_t number) {
    Block made{.number = number, .words = {}, .checksum = 0};
    std::iota(made.words.begin(), made.words.end(), number * 0x9e3779b97f4a7c15);
    made.checksum = checksum(made);
    return made;
}

bool is_whole(const Block& block) { return block.checksum == checksum(block); }

constexpr std::size_t readers = 4;

// What the readers and writers tell.
struct Board {
    std::atomic<bool> over;
    std::array<std::atomic<std::uint64_t>, readers> reads;
    std::array<std::atomic<std::int64_t>, readers> longest; // load, in nanoseconds of the processor's time
    std::atomic<int> torn;

    std::uint64_t all_reads() const { return std::reduce(reads.begin(), reads.end(), std::uint64_t{0}); }
};

std::int64_t processor_nanoseconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

class ALargeValue : public WithBroker {
  protected:
    ALargeValue() {
        for (std::size_t number = 0; number < readers; ++number) {
            reading.emplace_back([this, number](Lines&) { read(number); });
        }
        writing[0].emplace(writer(0));
        writing[1].emplace(writer(1));
    }

    void read(std::size_t number) {
        Broker own(daemon.socket_path());
        const auto same = Value<const Block>::open("block", {.broker = &own});
        while (!board->over) {
            const std::int64_t start = processor_nanoseconds();
            const Block seen = same.load();
            const std::int64_t took = processor_nanoseconds() - start;
            board->torn += is_whole(seen) ? 0 : 1;
            board->longest.at(number) = std::max<std::int64_t>(board->longest.at(number), took);
            ++board->reads.at(number);
        }
    }

    // The one stores whole blocks, the other changes what there is.
    ChildProcess writer(std::size_t number) {
        return ChildProcess([this, number](Lines&) {
            Broker own(daemon.socket_path());
            auto same = Value<Block>::open("block", {.broker = &own});
            for (std::uint64_t next = Chance().below(1 << 30); !board->over; ++next) {
                if (number == 0) {
                    same.store(block(next));
                } else {
                    same.update([this](Block& old) {
                        board->torn += is_whole(old) ? 0 : 1;
                        old = block(old.number + 1);
                    });
                }
            }
        });
    }

    // Whether all readers go on now.
    bool is_read_by_all() {
        std::array<std::uint64_t, readers> before{};
        std::ranges::copy(board->reads, before.begin());
        return eventually([&] {
            for (std::size_t number = 0; number < readers; ++number) {
                if (board->reads.at(number) < before.at(number) + 10) {
                    return false;
                }
            }
            return true;
        });
    }

    void end() {
        board->over = true;
        std::ranges::for_each(reading, [](ChildProcess& one) { EXPECT_EQ(one.wait(), 0); });
        std::ranges::for_each(writing, [](auto& one) { EXPECT_EQ(one->wait(), 0); });
        EXPECT_EQ(board->torn, 0);
        std::cout << "    " << board->all_reads() << " reads; the longest of each reader took";
        for (const auto& longest : board->longest) {
            std::cout << ' ' << longest / 1000;
            EXPECT_LT(longest, 100'000'000) << "nanoseconds";
        }
        std::cout << " us\n";
    }

    Chance chance;
    Shared<Board> board;
    Value<Block> value = Value<Block>::create("block", block(0), {.broker = &broker});
    std::vector<ChildProcess> reading;
    std::array<std::optional<ChildProcess>, 2> writing;
};

TEST_F(ALargeValue, IsNeverTornByWritersThatAreKilled) {
    const std::uint64_t enough = setting("MEMSHARE_TEST_READS", 1'000'000);
    const auto block = Segment::open("block", Access::read, {}, {.broker = &broker});
    const auto version = [&] { return block.changes().count(); };
    std::uint64_t before = version();
    int kills = 0;
    while (board->all_reads() < enough || kills < 100) {
        chance.pause(milliseconds(3));
        const std::size_t number = chance.below(2);
        writing.at(number)->kill();
        ++kills;
        ASSERT_TRUE(value.mutex().try_lock_for(long_enough));
        value.mutex().unlock();
        const std::uint64_t now = version();
        EXPECT_GE(now, before);
        EXPECT_TRUE(is_whole(value.load()));
        before = now;
        writing.at(number).emplace(writer(number));
    }
    const auto recoveries = broker.describe("block").lock.recoveries;
    EXPECT_GT(recoveries, 0U);
    std::cout << "    " << kills << " kills, " << recoveries << " of who had the lock\n";
    end();
}

TEST_F(ALargeValue, IsReadWhileItsWriterIsStopped) {
    int in_the_middle = 0;
    for (int round = 0; round < 100; ++round) {
        chance.pause(milliseconds(3));
        const pid_t writer = writing.at(chance.below(2))->pid();
        stop(writer);
        const auto holder = broker.describe("block").lock.holder;
        in_the_middle += holder && holder->pid == writer ? 1 : 0;
        EXPECT_TRUE(is_read_by_all());
        EXPECT_TRUE(is_whole(value.load()));
        go_on(writer);
    }
    EXPECT_GT(in_the_middle, 0);
    std::cout << "    stopped 100 times, " << in_the_middle << " of them with the lock\n";
    end();
}

} // namespace
} // namespace memshare::test
