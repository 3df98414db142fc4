// Watch, the method that tells what happens to segments: to whom, in which order, and how much at most.
#include "proto/limits.h"
#include "tests/system/disturbed.h"

#include <algorithm>
#include <iterator>

namespace memshare::test {
namespace {

const Json more = {{"more", true}};

class Events : public Disturbed {
  protected:
    // Who watches what has such a name, and has been told that it does.
    RawPeer watcher(const std::string& pattern) const {
        RawPeer peer(daemon.socket_path());
        peer.send_call("Watch", {{"pattern", pattern}}, more);
        EXPECT_EQ(next(peer)["kind"], "ready");
        return peer;
    }

    static Json next(RawPeer& peer) {
        const auto message = peer.receive();
        if (!message || !message->error().empty() || !message->json.value("continues", false)) {
            throw std::runtime_error("no event, but " + (message ? message->json.dump() : "the end"));
        }
        return (*message)["event"];
    }

    // The next one in words: "created mine by 17".
    static std::string told(RawPeer& peer) {
        const Json event = next(peer);
        return event["kind"].get<std::string>() + ' ' + event["segment"]["name"].get<std::string>() +
               (event.contains("process") ? " by " + std::to_string(event["process"]["pid"].get<int>()) : "");
    }

    // A process that makes "mine", or has it attached and locked, until it is told something or killed.
    ChildProcess maker() {
        ChildProcess process([this](Lines& parent) {
            Broker own(daemon.socket_path());
            const auto made = Value<int>::create("mine", 0, {.broker = &own});
            parent.say("made");
            parent.hear();
        });
        process.hear();
        return process;
    }
    ChildProcess holder() {
        ChildProcess process([this](Lines& parent) {
            Broker own(daemon.socket_path());
            const auto same = Value<int>::open("mine", {.broker = &own});
            same.mutex().lock();
            parent.say("locked");
            parent.hear();
            same.mutex().unlock();
        });
        process.hear();
        return process;
    }

    // So many segments, "mine0" and on, each told of four times: created, attached, detached, ended.
    std::size_t make_and_drop(std::size_t segments) {
        for (std::size_t number = 0; number < segments; ++number) {
            Value<int>::create("mine" + std::to_string(number), 0,
                               {.lifetime = Lifetime::attached, .broker = &broker});
        }
        EXPECT_TRUE(broker.list("none").empty()); // which is answered after all of that
        return segments;
    }
};

TEST_F(Events, AreToldInOrderWithWhoDidIt) {
    RawPeer watching = watcher("mine");
    const auto expect = [&](const std::string& what, const std::string& who) {
        EXPECT_EQ(told(watching), what + " mine by " + who);
    };
    auto first = maker();
    const std::string creator = std::to_string(first.pid());
    expect("created", creator);
    expect("attached", creator);

    auto second = holder();
    const std::string guest = std::to_string(second.pid());
    expect("attached", guest);
    second.say("that is all");
    expect("detached", guest);

    auto third = holder();
    const std::string dead = std::to_string(third.pid());
    expect("attached", dead);
    third.kill();
    expect("detached", dead);
    expect("lock_recovered", dead);

    first.kill();
    expect("ended", creator);
    expect("detached", creator);
    EXPECT_EQ(second.wait(), 0);
}

TEST_F(Events, SayWhatTheSegmentIsAndWhen) {
    RawPeer watching = watcher("num");
    const auto before = std::chrono::system_clock::now();
    const auto made =
        Value<double>::create("num", 0.0, {.lifetime = Lifetime::attached, .mode = 0640, .broker = &broker});
    const Json event = next(watching);
    EXPECT_EQ(event["segment"]["id"], made.info().id);
    EXPECT_EQ(event["segment"]["element"]["kind"], "f64");
    EXPECT_EQ(event["segment"]["mode"], 0640);
    EXPECT_EQ(event["process"]["uid"], getuid());
    EXPECT_FALSE(event.contains("lost"));
    const Time time{microseconds(event["timeUSec"].get<std::int64_t>())};
    EXPECT_GE(time, std::chrono::floor<microseconds>(before));
    EXPECT_LE(time, std::chrono::system_clock::now());
}

TEST_F(Events, OfWhatIsFilledFirstBeginWhenItHasItsName) {
    RawPeer watching = watcher("mine");
    const auto fill = [](std::span<int> numbers) { std::ranges::fill(numbers, 1); };
    Array<int>::create("mine", 3, fill, {.lifetime = Lifetime::attached, .broker = &broker});
    const std::string me = " mine by " + std::to_string(getpid());
    EXPECT_EQ(told(watching), "published" + me);
    EXPECT_EQ(told(watching), "detached" + me);
    EXPECT_EQ(told(watching), "ended mine");
}

TEST_F(Events, OfWhatOneMayNotReadAreNotTold) {
    NEEDS_ROOT();
    ChildProcess another = ChildProcess::as_user(nobody, [this](Lines& parent) {
        RawPeer watching = watcher("some*");
        parent.say("watching");
        for (const std::string what : {"created", "attached", "detached", "ended"}) {
            EXPECT_TRUE(told(watching).starts_with(what + " some that may be read"));
        }
    });
    EXPECT_EQ(another.hear(), "watching");
    for (const auto& [name, mode] : {std::pair{"some secret", 0600U}, {"some that may be read", 0644U}}) {
        Value<int>::create(name, 0, {.lifetime = Lifetime::attached, .mode = mode, .broker = &broker});
    }
    EXPECT_EQ(another.wait(), 0);
}

TEST_F(Events, AreForWhoAsksForMoreThanOneReply) {
    RawPeer peer(daemon.socket_path());
    EXPECT_EQ(peer.call("Watch").error(), "org.varlink.service.ExpectedMore");
    EXPECT_EQ(peer.call("List").error(), ""); // and goes on
}

TEST_F(Events, ThatAreNotReadAreDroppedAndCountedTheOldestFirst) {
    RawPeer watching = watcher("mine*");
    const std::size_t all = 4 * make_and_drop(1000);
    std::vector<Json> events;
    std::size_t told_or_lost = 0;
    while (told_or_lost < all) {
        events.push_back(next(watching));
        told_or_lost += 1 + events.back().value("lost", std::size_t{0});
    }
    EXPECT_EQ(told_or_lost, all);
    EXPECT_EQ(events.front()["kind"], "created");
    EXPECT_EQ(events.front()["segment"]["name"], "mine0");
    EXPECT_EQ(events.back()["kind"], "ended");
    EXPECT_EQ(events.back()["segment"]["name"], "mine999");
    const auto after_a_gap = [](const Json& event) { return event.contains("lost"); };
    EXPECT_EQ(std::ranges::count_if(events, after_a_gap), 1);
    const auto gap = std::ranges::find_if(events, after_a_gap);
    EXPECT_EQ(std::distance(gap, events.end()), std::ptrdiff_t{proto::limits::events_waiting});
}

TEST_F(Events, AreKeptForNobodyWhoHasClosedTheConnection) {
    std::vector<RawPeer> watching;
    for (int number = 0; number < 10; ++number) {
        watching.push_back(watcher(number < 5 ? "none" : "mine*"));
    }
    make_and_drop(200); // more than there is room for, and nobody reads it
    EXPECT_TRUE(eventually([this] { return fds_for_others() == 20; }));
    watching.clear();
    EXPECT_TRUE(eventually([this] { return fds_for_others() == 0; }));
}

TEST_F(Events, AreAllThatAWatcherHears) {
    RawPeer watching = watcher("mine");
    watching.send_call("List");
    EXPECT_FALSE(watching.receive());
}

} // namespace
} // namespace memshare::test
