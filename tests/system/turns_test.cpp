// How much one peer gets before others have their turn, and how much of a reply waits for its reader.
#include "proto/limits.h"
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <poll.h>
#include <sys/ioctl.h>

namespace memshare::test {
namespace {

namespace limits = proto::limits;

class ABusyBroker : public WithBroker {
  protected:
    // Peers that are known to it already.
    RawPeer connected() const {
        RawPeer peer(daemon.socket_path());
        peer.call("Hello");
        return peer;
    }

    // What is sent meanwhile it finds all at once.
    void while_stopped(const std::function<void()>& send) const {
        stop(daemon.pid());
        send();
        go_on(daemon.pid());
    }
};

TEST_F(ABusyBroker, AnswersSoManyCallsOfOnePeerInARowAndThenTheOthers) {
    RawPeer greedy = connected();
    RawPeer modest = connected();
    while_stopped([&] {
        std::string calls;
        for (int number = 0; number < 200; ++number) {
            calls += RawPeer::text_of("Create", array_of_i32("mine" + std::to_string(number)));
        }
        greedy.send(calls);
        modest.send_call("List", {{"pattern", "mine*"}});
    });
    const std::size_t before_mine = modest.receive().value()["segments"].size();
    EXPECT_GE(before_mine, 1U) << "the first who came has its turn first";
    EXPECT_LE(before_mine, 2 * limits::calls_in_a_row) << "and may be back before the second is seen";
    greedy.call("Goodbye");
}

TEST_F(ABusyBroker, WelcomesNoMoreThanSoManyInARowAndThenAnswers) {
    RawPeer modest = connected();
    const std::uint64_t before = modest.call("Statistics")["counters"]["sessions"];
    std::vector<RawPeer> crowd;
    while_stopped([&] {
        for (int number = 0; number < 100; ++number) {
            crowd.emplace_back(daemon.socket_path());
        }
        modest.send_call("Statistics");
    });
    const std::uint64_t after = modest.receive().value()["counters"]["sessions"];
    EXPECT_LE(after - before, limits::connections_in_a_row);
    EXPECT_EQ(crowd.size(), 100U);
}

TEST_F(ABusyBroker, LetsAFewRepliesLieUnreadAndKeepsTheRestToItself) {
    RawPeer peer = connected();
    std::string calls;
    for (int number = 0; number < 1000; ++number) {
        calls += RawPeer::text_of("GetInfo");
    }
    peer.send(calls);
    broker.version(); // an answer, so that others were served meanwhile
    const auto unread = [&] {
        int bytes = 0;
        ioctl(peer.socket(), FIONREAD, &bytes);
        return bytes;
    };
    int last = -1;
    EXPECT_TRUE(
        eventually([&] { return broker.list("none").empty() && std::exchange(last, unread()) == last; }));
    EXPECT_GT(last, 0);
    EXPECT_LE(last, 2 * limits::unread_reply_bytes) << "the kernel counts its own share";
}

class AListing : public WithBroker {
  protected:
    // Segments whose elements have so many fields.
    void make(std::size_t segments, std::size_t fields) {
        Json parameters{
            {"form", "array"}, {"count", 1}, {"element", {{"kind", "u8"}, {"size", 1}, {"alignment", 1}}}};
        if (fields > 0) {
            Json described = Json::array();
            for (std::size_t at = 0; at < fields; ++at) {
                described.push_back(
                    {{"name", "f" + std::to_string(at)}, {"kind", "u8"}, {"offset", at}, {"count", 1}});
            }
            parameters["element"] = {
                {"kind", "struct"}, {"size", fields}, {"alignment", 1}, {"name", "S"}, {"fields", described}};
        }
        for (; segments > 0; --segments) {
            maker_.call("Create", parameters);
        }
    }

    Json list() { return RawPeer(daemon.socket_path()).call("List").json; }

    // How many there are in each part of a stream.
    std::vector<std::size_t> batches() {
        RawPeer peer(daemon.socket_path());
        peer.send_call("List", Json::object(), {{"more", true}});
        std::vector<std::size_t> sizes;
        for (bool more = true; more;) {
            const auto batch = peer.receive().value();
            sizes.push_back(batch["segments"].size());
            more = batch.json.value("continues", false);
        }
        return sizes;
    }

  private:
    RawPeer maker_{daemon.socket_path()};
};

TEST_F(AListing, OfUpToSoManyIsOneReplyAndNotOneMore) {
    make(limits::list_whole - 1, 0);
    EXPECT_EQ(list()["parameters"]["segments"].size(), limits::list_whole - 1);
    make(2, 0);
    EXPECT_EQ(list()["error"], "org.varlink.service.ExpectedMore");
}

TEST_F(AListing, ComesInBatches) {
    make(2 * limits::list_batch + 1, 0);
    EXPECT_EQ(batches(), (std::vector{limits::list_batch, limits::list_batch, std::size_t{1}}));
}

TEST_F(AListing, CountsFieldsAsSegments) {
    make(limits::list_batch + 1, limits::list_fields);
    EXPECT_EQ(batches(), (std::vector{limits::list_batch / 2, limits::list_batch / 2, std::size_t{1}}));
}

} // namespace
} // namespace memshare::test
