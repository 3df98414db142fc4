// Creation: visible only when whole, and once only.
#include "tests/support/with_broker.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <thread>

namespace memshare::test {
namespace {

using Creation = WithBroker;

constexpr std::size_t large = 1024 * 1024; // elements; far more than one call carries

// Opens by name as soon as it is there.
template <typename Shared> Shared open_soon(const std::string& name, Broker& broker) {
    while (true) {
        try {
            return Shared::open(name, {.broker = &broker});
        } catch (const Error& error) {
            if (error.code() != Errc::no_such_segment) {
                throw;
            }
        }
    }
}

TEST_F(Creation, OfALargeArrayShowsItWholeToARacingOpener) {
    ChildProcess opener([&](Lines& parent) {
        Broker own(daemon.socket_path());
        for (int round = 1; round <= 20; ++round) {
            const std::string name = "large" + std::to_string(round);
            const auto array = open_soon<Array<const int>>(name, own);
            EXPECT_EQ(array[0], round);
            EXPECT_EQ(array[array.size() - 1], round);
            EXPECT_EQ(std::ranges::count(array, round), static_cast<std::ptrdiff_t>(large));
            parent.say("seen");
        }
    });
    for (int round = 1; round <= 20; ++round) {
        const std::vector<int> initial(large, round);
        const auto made = Array<int>::create("large" + std::to_string(round), initial, {.broker = &broker});
        ASSERT_EQ(opener.hear(), "seen");
    }
    EXPECT_EQ(opener.wait(), 0);
}

TEST_F(Creation, OfAValueShowsItsInitialContentsToARacingOpener) {
    ChildProcess opener([&](Lines& parent) {
        Broker own(daemon.socket_path());
        for (int round = 1; round <= 200; ++round) {
            EXPECT_EQ(open_soon<Value<const int>>("num" + std::to_string(round), own).load(), round);
            parent.say("seen");
        }
    });
    for (int round = 1; round <= 200; ++round) {
        const auto made = Value<int>::create("num" + std::to_string(round), round, {.broker = &broker});
        ASSERT_EQ(opener.hear(), "seen");
    }
    EXPECT_EQ(opener.wait(), 0);
}

TEST_F(Creation, ByManyProcessesAtOnceHasExactlyOneWinner) {
    constexpr int rounds = 20;
    const auto contend = [&](Lines& parent) {
        Broker own(daemon.socket_path());
        for (int round = 0; round < rounds; ++round) {
            parent.hear();
            const auto mine = Value<std::int64_t>::open_or_create("hits" + std::to_string(round), getpid(),
                                                                  {.broker = &own});
            parent.say(std::to_string(mine.load()));
            parent.hear();
        }
    };
    std::vector<ChildProcess> contenders;
    std::set<std::string> all;
    for (int number = 0; number < 8; ++number) {
        contenders.emplace_back(contend);
        all.insert(std::to_string(contenders.back().pid()));
    }
    for (int round = 0; round < rounds; ++round) {
        std::ranges::for_each(contenders, [](ChildProcess& one) { one.say("go"); });
        std::set<std::string> winners;
        std::ranges::for_each(contenders, [&](ChildProcess& one) { winners.insert(one.hear()); });
        EXPECT_EQ(winners.size(), 1U);
        EXPECT_TRUE(all.contains(*winners.begin()));
        std::ranges::for_each(contenders, [](ChildProcess& one) { one.say("next"); });
    }
    std::ranges::for_each(contenders, [](ChildProcess& one) { EXPECT_EQ(one.wait(), 0); });
}

TEST_F(Creation, ByManyThreadsOfOneProcessHasExactlyOneWinner) {
    std::atomic<int> made = 0;
    std::vector<std::unique_ptr<Value<int>>> values(8);
    std::vector<std::jthread> threads;
    for (int number = 1; number <= 8; ++number) {
        threads.emplace_back([&, number] {
            auto& mine = values[static_cast<std::size_t>(number - 1)];
            mine =
                std::make_unique<Value<int>>(Value<int>::open_or_create("one", number, {.broker = &broker}));
            made += mine->load() == number ? 1 : 0;
        });
    }
    threads.clear();
    EXPECT_EQ(made, 1);
}

TEST_F(Creation, OfANameThatIsTakenIsRefused) {
    const auto made = Value<int>::create("num", 1, {.broker = &broker});
    const Error error = error_of([&] { Value<int>::create("num", 2, {.broker = &broker}); });
    EXPECT_EQ(error.code(), Errc::name_taken);
    EXPECT_EQ(error.segment(), "num");
    EXPECT_EQ(made.load(), 1);
}

TEST_F(Creation, OfALargeArrayWhoseNameIsTakenLeavesNothingBehind) {
    const auto made = Value<int>::create("num", 1, {.broker = &broker});
    const std::vector<int> initial(large, 1);
    EXPECT_EQ(error_of([&] { Array<int>::create("num", initial, {.broker = &broker}); }).code(),
              Errc::name_taken);
    EXPECT_EQ(broker.list().size(), 1U);
}

TEST_F(Creation, WhoseFillThrowsLeavesNothingBehind) {
    const auto fill = [](std::span<int>) { throw std::runtime_error("no data today"); };
    EXPECT_THROW(Array<int>::create("arr", 10, fill, {.broker = &broker}), std::runtime_error);
    EXPECT_TRUE(broker.list().empty());
}

TEST_F(Creation, OfANameThatCannotBeOneIsRefused) {
    for (const std::string& name : {std::string(), std::string(256, 'x'), std::string("a\nb"),
                                    std::string("a\0b", 3), std::string("\xff")}) {
        const Error error = error_of([&] { Value<int>::create(name, 0, {.broker = &broker}); });
        EXPECT_EQ(error.code(), Errc::invalid_argument);
    }
    EXPECT_TRUE(broker.list().empty());
}

TEST_F(Creation, OfANameInAnyScriptOfTheLongestLengthIsFine) {
    std::string name = "größe/大きさ";
    name.resize(255, 'x');
    const auto made = Value<int>::create(name, 0, {.broker = &broker});
    EXPECT_EQ(Value<int>::open(name, {.broker = &broker}).info().name, name);
}

TEST_F(Creation, OfManyAndTheirEndLeaveNoDescriptorAndNoMapping) {
    const auto round = [&] {
        const auto made = Array<int>::create("arr", 5, {.lifetime = Lifetime::attached, .broker = &broker});
        const auto seen = Array<const int>::open("arr", {.broker = &broker});
        EXPECT_EQ(seen.size(), 5U);
    };
    round();
    const std::size_t fds = open_fds(getpid());
    const std::size_t mapped = mappings(getpid());
    for (int number = 0; number < 1000; ++number) {
        round();
    }
    EXPECT_EQ(open_fds(getpid()), fds);
    EXPECT_LE(mappings(getpid()), mapped + (sanitized ? 64 : 2)); // the heap may have grown
    EXPECT_TRUE(broker.list().empty());
}

class SmallQuotas : public WithBroker {
  public:
    SmallQuotas() : WithBroker({"--segments-per-user", "2", "--bytes-per-user", "1M"}) {}
};

TEST_F(SmallQuotas, RefuseOneSegmentTooManyAndSayWhichLimitItIs) {
    const auto first = Value<int>::create("one", 1, {.broker = &broker});
    const auto second = Value<int>::create("two", 2, {.broker = &broker});
    const Error error = error_of([&] { Value<int>::create("three", 3, {.broker = &broker}); });
    EXPECT_EQ(error.code(), Errc::quota_exceeded);
    EXPECT_NE(std::string(error.what()).find("limit segments is 2"), std::string::npos) << error.what();
}

TEST_F(SmallQuotas, RefuseTooManyBytesAndTakeThemBack) {
    for (int round = 0; round < 10; ++round) {
        const auto most =
            Array<char>::create("most", 1'000'000, {.lifetime = Lifetime::attached, .broker = &broker});
        EXPECT_EQ(error_of([&] { Array<char>::create("more", 100'000, {.broker = &broker}); }).code(),
                  Errc::quota_exceeded);
    }
}

} // namespace
} // namespace memshare::test
