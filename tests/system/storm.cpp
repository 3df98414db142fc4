#include "tests/system/storm.h"

#include "tests/support/with_broker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <mutex>

namespace memshare::test {
namespace {

constexpr BrokerOptions patient{.timeout = std::chrono::minutes(2)};

} // namespace

class Storm::Client {
  public:
    Client(Board& board, const std::string& socket_path, std::size_t number)
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

Storm::Storm(const std::string& socket_path)
    : broker_(socket_path, patient),
      sums_(Value<Sums>::create("sums", {}, {.broker = &broker_})),
      locked_(Array<std::uint64_t>::create("locked", 1, {.broker = &broker_})) {
    for (std::size_t number = 0; number < clients; ++number) {
        clients_.emplace_back([this, number, socket_path](Lines&) {
            Client(*board_.operator->(), socket_path, number).work();
        });
    }
}

bool Storm::get_on() {
    const std::uint64_t before = board_->attached;
    return eventually([&] { return board_->attached > before + clients; });
}

void Storm::end() {
    board_->over = true;
    std::ranges::for_each(clients_, [](auto& one) { EXPECT_EQ(one.wait(), 0); });
    EXPECT_EQ(board_->met_another, 0U);
    EXPECT_EQ(board_->torn, 0U);
    EXPECT_EQ(*locked_.begin(), board_->locked);
    EXPECT_EQ(sums_.load().one, board_->updated);
    EXPECT_TRUE(eventually([this] { return broker_.list().size() == 2; })) << "something is left over";
    EXPECT_TRUE(eventually([this] { return used("sessions") == 1; }));
    EXPECT_TRUE(eventually([this] { return used("attachments") == 2; }));
    EXPECT_TRUE(eventually([this] { return used("segments") == 2; }));
    EXPECT_EQ(used("names"), 2U);
}

std::string Storm::summary() const {
    return std::to_string(board_->created) + " segments created, " + std::to_string(board_->attached) +
           " times attached, " + std::to_string(board_->updated) + " updates, " +
           std::to_string(board_->locked) + " times locked";
}

std::uint64_t Storm::used(std::string_view resource) {
    const auto all = broker_.statistics().total;
    return std::ranges::find(all, resource, &Usage::resource)->used;
}

} // namespace memshare::test
