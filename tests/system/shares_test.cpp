// Who pays: what the broker holds counts as that user's who makes the broker hold it, and everybody keeps a
// share.
#include "proto/base64.h"
#include "proto/limits.h"
#include "tests/support/raw_peer.h"
#include "tests/support/service_manager.h"
#include "tests/support/with_broker.h"

#include <algorithm>

namespace memshare::test {
namespace {

namespace limits = proto::limits;

constexpr std::uint64_t page = 4096;

std::uint64_t used(const std::string& socket_path, std::uint32_t uid, const std::string& resource) {
    const auto users = Broker(socket_path).statistics().users;
    const auto user = std::ranges::find(users, uid, &UserUsage::uid);
    return user == users.end() ? 0 : std::ranges::find(user->usage, resource, &Usage::resource)->used;
}

// The limit that a Create is refused by; "" if it is not.
std::string limit_of(const RawPeer::Message& answer) {
    return answer.error().empty() ? "" : answer["limit"].get<std::string>();
}

class WhatAStrangerKeeps : public testing::Test {
  protected:
    // A stranger who attaches what there is of this name when told to, and keeps it; says the limit that
    // forbids it.
    ChildProcess stranger_who_keeps() {
        return ChildProcess::as_user(stranger, [this](Lines& parent) {
            RawPeer peer(service.socket_path());
            for (std::string name = parent.hear(); name != "end"; name = parent.hear()) {
                const auto answer = peer.call("Attach", {{"name", name}, {"access", "read"}});
                parent.say("limit: " + limit_of(answer));
            }
        });
    }

    ServiceManager service{
        {"--bytes-per-user", std::to_string(4 * page), "--kept-bytes-per-user", std::to_string(8 * page)}};
};

TEST_F(WhatAStrangerKeeps, IsNotAtTheExpenseOfTheOwnerWhoHasEndedIt) {
    NEEDS_ROOT();
    ChildProcess keeper = stranger_who_keeps();
    ChildProcess owner = ChildProcess::as_user(nobody, [&](Lines& parent) {
        for (int round = 0; round < 4; ++round) {
            RawPeer peer(service.socket_path());
            Json call = array_of_i32("frame", page / sizeof(int)); // two pages with the header
            call["mode"] = 0644;
            EXPECT_EQ(limit_of(peer.call("Create", call)), "");
            parent.say("made");
            parent.hear();
            peer.call("Goodbye");
        }
        parent.say("ended");
        parent.hear();
    });
    for (int round = 0; round < 4; ++round) {
        ASSERT_EQ(owner.hear(), "made");
        keeper.say("frame");
        EXPECT_EQ(keeper.hear(), "limit: ");
        owner.say("end it");
    }
    ASSERT_EQ(owner.hear(), "ended");
    EXPECT_EQ(used(service.socket_path(), nobody.uid, "bytes"), 0U);
    EXPECT_EQ(used(service.socket_path(), stranger.uid, "keptBytes"), 8 * page);
    EXPECT_EQ(used(service.socket_path(), stranger.uid, "keptSegments"), 4U);
    EXPECT_EQ(used(service.socket_path(), stranger.uid, "bytes"), 0U);

    service.kill();
    service.start();
    EXPECT_EQ(used(service.socket_path(), stranger.uid, "keptBytes"), 8 * page) << "after a restart";
    EXPECT_EQ(used(service.socket_path(), nobody.uid, "bytes"), 0U);

    keeper.kill();
    EXPECT_TRUE(eventually([&] { return used(service.socket_path(), stranger.uid, "keptBytes") == 0; }));
    owner.say("end");
    EXPECT_EQ(owner.wait(), 0);
}

TEST_F(WhatAStrangerKeeps, ForbidsToAttachMoreOfOthersButNothingOfItsOwn) {
    NEEDS_ROOT();
    Broker broker(service.socket_path());
    ChildProcess keeper = stranger_who_keeps();
    for (int round = 0; round < 4; ++round) {
        RawPeer peer(service.socket_path());
        Json call = array_of_i32("frame", page / sizeof(int));
        call["mode"] = 0644;
        EXPECT_EQ(limit_of(peer.call("Create", call)), "");
        keeper.say("frame");
        EXPECT_EQ(keeper.hear(), "limit: ");
        peer.call("Goodbye");
    }
    const auto more = Value<int>::create("more", 1, {.mode = 0644, .broker = &broker});
    keeper.say("more");
    EXPECT_EQ(keeper.hear(), "limit: keptBytes");
    ChildProcess own = ChildProcess::as_user(stranger, [&](Lines&) {
        RawPeer peer(service.socket_path());
        EXPECT_EQ(limit_of(peer.call("Create", array_of_i32("own"))), "");
        EXPECT_EQ(limit_of(peer.call("Attach", {{"name", "own"}, {"access", "read"}})), "");
    });
    EXPECT_EQ(own.wait(), 0);
    keeper.say("end");
    EXPECT_EQ(keeper.wait(), 0);
}

class LittleForTheBrokersWork : public WithBroker {
  public:
    LittleForTheBrokersWork()
        : WithBroker({"--initial-bytes-per-user", std::to_string(4 * page), "--description-bytes-per-user",
                      "100K"}) {}
};

TEST_F(LittleForTheBrokersWork, CountsThePagesThatTheBrokerFills) {
    RawPeer peer(daemon.socket_path());
    const auto create = [&](int number, std::size_t bytes) {
        Json call = array_of_i32("with contents " + std::to_string(number), 4 * page);
        call["initial"] = proto::to_base64(std::vector<std::byte>(bytes));
        return limit_of(peer.call("Create", call));
    };
    EXPECT_EQ(create(1, 1), "");
    EXPECT_EQ(used(daemon.socket_path(), getuid(), "initialBytes"), page);
    EXPECT_EQ(create(2, page + 1), "");
    EXPECT_EQ(used(daemon.socket_path(), getuid(), "initialBytes"), 3 * page);
    EXPECT_EQ(create(3, page + 1), "initialBytes");
    EXPECT_EQ(create(4, page), "");
    EXPECT_EQ(limit_of(peer.call("Create", array_of_i32("without"))), "");
    peer.call("Goodbye");
    EXPECT_TRUE(eventually([&] { return used(daemon.socket_path(), getuid(), "initialBytes") == 0; }));
}

TEST_F(LittleForTheBrokersWork, CountsTheFieldsOfStructs) {
    RawPeer peer(daemon.socket_path());
    Json fields = Json::array();
    for (std::size_t number = 0; number < limits::fields; ++number) {
        std::string name = std::to_string(number);
        name.resize(limits::field_name_bytes, 'n');
        fields.push_back({{"name", name}, {"kind", "u8"}, {"offset", number}, {"count", 1}});
    }
    const auto create = [&](const std::string& name) {
        return peer.call(
            "Create",
            {{"name", name},
             {"form", "value"},
             {"element", {{"kind", "struct"}, {"size", 256}, {"alignment", 1}, {"fields", fields}}}});
    };
    EXPECT_EQ(limit_of(create("one")), "");
    EXPECT_GT(used(daemon.socket_path(), getuid(), "descriptionBytes"),
              limits::fields * limits::field_name_bytes);
    EXPECT_EQ(limit_of(create("other")), "descriptionBytes");
    EXPECT_EQ(peer.call("Describe", {{"name", "one"}})["segment"]["element"]["fields"], fields);
    EXPECT_EQ(
        peer.call("Attach",
                  {{"name", "one"},
                   {"access", "read"},
                   {"element", {{"kind", "struct"}, {"size", 256}, {"alignment", 1}, {"fields", fields}}}})
            .error(),
        "");
    fields[7]["kind"] = "i8";
    EXPECT_EQ(
        peer.call("Attach",
                  {{"name", "one"},
                   {"access", "read"},
                   {"element", {{"kind", "struct"}, {"size", 256}, {"alignment", 1}, {"fields", fields}}}})
            .error(),
        "io.memshare.Broker.TypeMismatch");
    peer.call("Goodbye");
    EXPECT_TRUE(eventually([&] { return used(daemon.socket_path(), getuid(), "descriptionBytes") == 0; }));
}

class FewSessionsInAll : public WithBroker {
  public:
    FewSessionsInAll() : WithBroker({"--total-sessions", "64"}) {}
};

TEST_F(FewSessionsInAll, AreNotAllTakenByThoseWhoHaveMany) {
    NEEDS_ROOT();
    constexpr std::size_t most = 64 - 64 / limits::share_of_others;
    ChildProcess greedy = ChildProcess::as_user(nobody, [&](Lines& parent) {
        std::vector<RawPeer> peers;
        std::string limit;
        while (limit.empty()) {
            limit = limit_of(peers.emplace_back(daemon.socket_path()).call("Hello"));
        }
        EXPECT_EQ(limit, "totalSessions");
        EXPECT_LE(peers.size() - 1, most);
        parent.say("full");
        parent.hear();
    });
    ASSERT_EQ(greedy.hear(), "full");
    ChildProcess modest = ChildProcess::as_user(stranger, [&](Lines&) {
        RawPeer peer(daemon.socket_path());
        EXPECT_EQ(peer.call("Hello").error(), "");
    });
    EXPECT_EQ(modest.wait(), 0);
    EXPECT_EQ(RawPeer(daemon.socket_path()).call("Hello").error(), "") << "root's";
    greedy.say("end");
    EXPECT_EQ(greedy.wait(), 0);
}

} // namespace
} // namespace memshare::test
