// A daemon that is killed all the time, while its clients do all that clients do: none of them notices more
// than that a call takes longer.
//
// How often it is killed is $MEMSHARE_TEST_KILLS.
#include "tests/support/chance.h"
#include "tests/support/service_manager.h"
#include "tests/support/shared.h"
#include "tests/support/with_broker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <iostream>
#include <mutex>

namespace memshare::test {
namespace {

constexpr std::size_t clients = 8;
constexpr BrokerOptions patient{.timeout = std::chrono::minutes(2)};

struct Sums {
    std::uint64_t one, other; // always the same
};

// What is not in the segments: what the clients tell.
struct Board {
    std::atomic<bool> over;
    std::atomic<int> inside; // how many have the lock
    std::atomic<std::uint64_t> met_another, torn, locked, updated, created, attached;
};

class AClientOfADyingService {
  public:
    AClientOfADyingService(Board& board, const std::string& socket_path, std::size_t number)
        : board_(board), number_(number), broker_(socket_path, patient) {}

    void work() {
        while (!board_.over) {
            create();
            lock();
            update();
            attach();
            wait();
            if (mine_.size() > most_) {
                destroy();
            }
        }
        while (!mine_.empty()) {
            destroy();
        }
    }

  private:
    using Counter = Value<std::uint64_t>;

    struct Mine {
        std::string name;
        std::uint64_t holds;
        std::optional<Counter> handle; // or it persists without
    };

    void create() {
        const std::uint64_t holds = ++board_.created;
        Mine one{.name = "of " + std::to_string(number_) + ", " + std::to_string(holds),
                 .holds = holds,
                 .handle = {}};
        const bool persists = chance_.below(2) == 0;
        auto made = Counter::create(
            one.name, holds,
            {.lifetime = persists ? Lifetime::persistent : Lifetime::creator, .broker = &broker_});
        if (!persists || chance_.below(2) == 0) {
            one.handle.emplace(std::move(made));
        }
        mine_.push_back(std::move(one));
    }

    void lock() {
        const std::scoped_lock lock(sums_.mutex());
        board_.met_another += board_.inside.fetch_add(1) != 0 ? 1 : 0;
        ++*locked_.begin();
        ++board_.locked;
        --board_.inside;
    }

    void update() {
        sums_.update([](Sums& sums) {
            ++sums.one;
            ++sums.other;
        });
        ++board_.updated;
    }

    void attach() {
        const Mine& one = mine_.at(chance_.below(mine_.size()));
        ASSERT_EQ(Counter::open(one.name, {.broker = &broker_}).load(), one.holds);
        const Sums sums = Value<const Sums>::open("sums", {.broker = &broker_}).load();
        board_.torn += sums.one != sums.other ? 1 : 0;
        ++board_.attached;
    }

    void wait() {
        const auto before = sums_.version();
        update();
        ASSERT_TRUE(sums_.wait_for(before, long_enough));
    }

    void destroy() {
        const auto one = std::move(mine_.front());
        mine_.pop_front();
        broker_.destroy(one.name);
        ASSERT_EQ(error_of([&] { Counter::open(one.name, {.broker = &broker_}); }).code(),
                  Errc::no_such_segment);
        ASSERT_TRUE(!one.handle || (!one.handle->alive() && one.handle->load() == one.holds));
    }

    static constexpr std::size_t most_ = 20;

    Board& board_;
    std::size_t number_;
    Chance chance_;
    Broker broker_;
    std::deque<Mine> mine_;
    Value<Sums> sums_ = Value<Sums>::open("sums", {.broker = &broker_});
    Array<std::uint64_t> locked_ = Array<std::uint64_t>::open("locked", {.broker = &broker_});
};

class AServiceThatIsKilledAllTheTime : public testing::Test {
  protected:
    void begin() {
        for (std::size_t number = 0; number < clients; ++number) {
            all_.emplace_back(ChildProcess([this, number](Lines&) {
                AClientOfADyingService(*board.operator->(), service.socket_path(), number).work();
            }));
        }
    }

    void expect_nothing_lost() {
        board->over = true;
        std::ranges::for_each(all_, [](auto& one) { EXPECT_EQ(one.wait(), 0); });
        EXPECT_EQ(board->met_another, 0U);
        EXPECT_EQ(board->torn, 0U);
        EXPECT_EQ(*locked.begin(), board->locked);
        EXPECT_EQ(sums.load().one, board->updated);
        EXPECT_EQ(broker.list().size(), 2U) << "something is left over";
        EXPECT_TRUE(eventually([this] { return used("sessions") == 1; }));
        EXPECT_EQ(used("segments"), 2U);
        EXPECT_EQ(used("names"), 2U);
        EXPECT_EQ(used("attachments"), 2U);
        EXPECT_LE(service.kept(), 8U);
        std::cout << "    " << kills << " kills; " << board->created << " segments created, "
                  << board->attached << " times attached, " << board->updated << " updates, " << board->locked
                  << " times locked\n";
    }

    std::uint64_t used(std::string_view resource) {
        const auto all = broker.statistics().total;
        return std::ranges::find(all, resource, &Usage::resource)->used;
    }

    // Until the clients have got on, wherever they are.
    void let_them_work() {
        const std::uint64_t before = board->attached;
        ASSERT_TRUE(eventually([&] { return board->attached > before + clients; })) << service.log();
    }

    const std::uint64_t kills = setting("MEMSHARE_TEST_KILLS", 20);
    Chance chance;
    Shared<Board> board;
    ServiceManager service;
    Broker broker{service.socket_path(), patient};
    Value<Sums> sums = Value<Sums>::create("sums", {}, {.broker = &broker});
    Array<std::uint64_t> locked = Array<std::uint64_t>::create("locked", 1, {.broker = &broker});

  private:
    std::vector<ChildProcess> all_;
};

TEST_F(AServiceThatIsKilledAllTheTime, LosesNothing) {
    begin();
    for (std::uint64_t kill = 0; kill < kills; ++kill) {
        chance.pause(milliseconds(20));
        service.kill();
        service.start();
        ASSERT_NO_FATAL_FAILURE(let_them_work());
    }
    expect_nothing_lost();
}

TEST_F(AServiceThatIsKilledAllTheTime, LosesNothingWhileItComesBack) {
    begin();
    for (std::uint64_t kill = 0; kill < kills; ++kill) {
        ASSERT_NO_FATAL_FAILURE(let_them_work());
        service.kill();
        service.start_without_waiting();
        chance.pause(milliseconds(6));
        service.kill();
        service.start();
    }
    expect_nothing_lost();
}

} // namespace
} // namespace memshare::test
