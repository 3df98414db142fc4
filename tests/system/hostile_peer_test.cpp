// Peers that send what no client would, and peers that do not take what they asked for.
#include "proto/limits.h"
#include "tests/system/disturbed.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace memshare::test {
namespace {

using AHostilePeer = Disturbed;

std::string repeated(const std::string& text, std::size_t times) {
    std::string all;
    for (; times > 0; --times) {
        all += text;
    }
    return all;
}

std::string call_with(const std::string& value) {
    return R"({"method":"io.memshare.Broker.List","parameters":{"pattern":)" + value + "}}" + '\0';
}

TEST_F(AHostilePeer, WhoSendsNoJsonIsCutOff) {
    for (const std::string text :
         {"hello", "", "[]", "{\"method\":\"a.b\"", "{}", "\xff\xfe", "{\"method\":7}"}) {
        RawPeer peer(daemon.socket_path());
        peer.send(text + '\0');
        EXPECT_TRUE(peer.is_ended()) << text;
    }
}

TEST_F(AHostilePeer, WhoseMessageNeverEndsIsCutOff) {
    RawPeer peer(daemon.socket_path());
    EXPECT_FALSE(peer.send(std::string(64 * 1024 * 1024, 'x')));
    EXPECT_TRUE(peer.is_ended());
}

TEST_F(AHostilePeer, WhoseMessageIsOneByteTooLongIsCutOff) {
    RawPeer peer(daemon.socket_path());
    std::string call = RawPeer::text_of("GetInfo");
    call.insert(call.size() - 1, proto::limits::call_bytes + 2 - call.size(), ' ');
    peer.send(call);
    EXPECT_TRUE(peer.is_ended());
}

TEST_F(AHostilePeer, WhoNestsJsonDeeplyIsCutOff) {
    for (const std::string bracket : {"[", "{\"a\":"}) {
        RawPeer peer(daemon.socket_path());
        peer.send(call_with(repeated(bracket, 20'000)));
        EXPECT_TRUE(peer.is_ended());
    }
}

TEST_F(AHostilePeer, WhoSendsManyValuesIsCutOff) {
    for (const std::string& value :
         {"[0" + repeated(",0", 60'000) + "]", "[[]" + repeated(",[]", 30'000) + "]"}) {
        RawPeer peer(daemon.socket_path());
        peer.send(call_with(value));
        EXPECT_TRUE(peer.is_ended());
    }
}

TEST_F(AHostilePeer, WhoSendsNumbersWithoutEndIsAnsweredOrCutOff) {
    for (const std::string& value :
         {std::string(100'000, '9'), "0." + std::string(100'000, '1'), std::string("1e999999999")}) {
        RawPeer peer(daemon.socket_path());
        peer.send(call_with(value));
        const auto answer = peer.receive();
        EXPECT_TRUE(!answer || answer->error() == "org.varlink.service.InvalidParameter");
    }
}

TEST_F(AHostilePeer, WhoSendsHalfAMessageAndNothingMoreHoldsOneSession) {
    std::vector<RawPeer> peers;
    for (int number = 0; number < 50; ++number) {
        peers.emplace_back(daemon.socket_path()).send(R"({"method":"io.memshare.Bro)");
    }
    EXPECT_TRUE(eventually([&] { return fds_for_others() == 2 * peers.size(); }));
    EXPECT_TRUE(broker.list("none").empty());
}

class AReaderWhoNeverReads : public Disturbed {
  protected:
    // A process that calls until nothing more goes into its socket, and then reads nothing. (One that has
    // attachments keeps its session for as long as it lives, so it has to be a process of its own.)
    ChildProcess never_reads(const std::string& calls) {
        ChildProcess process([&](Lines& parent) {
            RawPeer peer(daemon.socket_path());
            std::size_t bytes = 0;
            while (eventually([&] { return peer.send_what_goes(calls); }, milliseconds(100))) {
                bytes += calls.size();
                EXPECT_LT(bytes, 10'000'000U);
            }
            fork_a_keeper(parent); // so that its socket stays open when it is killed
            parent.say("full");
            parent.hear();
        });
        EXPECT_EQ(process.hear(), "full");
        return process;
    }

    void TearDown() override {
        EXPECT_TRUE(eventually([&] { return fds_for_others() == 0; })) << "of a dead process";
        Disturbed::TearDown();
    }

    static constexpr std::size_t session_and_one_reply = 4; // with the bystander's coming and going

    Array<int> shared = Array<int>::create("shared", 5, {.broker = &broker});
    Array<const int> read = Array<const int>::open("shared", {.broker = &broker}); // its other descriptor
};

std::string attach_to(const std::string& access) {
    return RawPeer::text_of("Attach", {{"name", "shared"}, {"access", access}});
}

TEST_F(AReaderWhoNeverReads, OfListsMakesOnlyItselfWait) {
    std::vector<Value<int>> many;
    for (int number = 0; number < 100; ++number) {
        many.push_back(Value<int>::create(unnamed, number, {.broker = &broker}));
    }
    never_reads(RawPeer::text_of("List"));
    EXPECT_EQ(many.size(), 100U);
}

TEST_F(AReaderWhoNeverReads, OfStreamsOfListsMakesOnlyItselfWait) {
    never_reads(RawPeer::text_of("List", Json::object(), {{"more", true}}));
}

TEST_F(AReaderWhoNeverReads, OfAttachmentsToReadHoldsFewDescriptors) {
    const auto peer = never_reads(attach_to("read"));
    EXPECT_LE(fds_for_others(), session_and_one_reply);
}

TEST_F(AReaderWhoNeverReads, OfAttachmentsToWriteHoldsFewDescriptors) {
    const auto peer = never_reads(attach_to("write"));
    EXPECT_LE(fds_for_others(), session_and_one_reply);
}

TEST_F(AReaderWhoNeverReads, OfAttachmentsAndTextByTurnsMakesOnlyItselfWait) {
    const auto peer = never_reads(attach_to("write") + RawPeer::text_of("Describe", {{"name", "shared"}}));
    EXPECT_LE(fds_for_others(), session_and_one_reply);
}

TEST_F(AReaderWhoNeverReads, FindsAllThatItAskedForWhenItReadsAfterAll) {
    RawPeer peer(daemon.socket_path());
    peer.send(repeated(RawPeer::text_of("Describe", {{"name", "shared"}}), 500));
    for (int call = 0; call < 500; ++call) {
        EXPECT_EQ(peer.receive().value()["segment"]["name"], "shared");
    }
}

class FewSessions : public Disturbed {
  public:
    FewSessions() : Disturbed({"--sessions-per-user", "2"}) {}
};

// Connects some times over, makes so many calls and says goodbye, and reads nothing. Whether the daemon took
// it all, or waits for its answers to be read.
bool say_goodbye_unread(const std::string& socket_path, std::size_t calls, std::vector<RawPeer>& peers) {
    bool all_taken = true;
    for (int number = 0; number < 6; ++number) {
        RawPeer& peer = peers.emplace_back(socket_path);
        peer.send(repeated(RawPeer::text_of("Nothing"), calls) + RawPeer::text_of("Goodbye"));
        const auto is_taken = [&] {
            int untaken = 0;
            return ioctl(peer.socket(), SIOCOUTQ, &untaken) != 0 || untaken == 0;
        };
        all_taken = all_taken && eventually(is_taken, milliseconds(100));
    }
    return all_taken;
}

// A farewell that does not fit into the socket any more must not keep a connection that counts for nobody.
TEST_F(FewSessions, AreNotOutnumberedByConnectionsThatSaidGoodbye) {
    NEEDS_ROOT();
    bool taken = true;
    for (std::size_t calls = 10; taken && calls < 200; ++calls) {
        ChildProcess hostile = ChildProcess::as_user(nobody, [&](Lines& parent) {
            std::vector<RawPeer> peers;
            parent.say(say_goodbye_unread(daemon.socket_path(), calls, peers) ? "taken" : "full");
            parent.hear();
        });
        taken = hostile.hear() == "taken";
        constexpr std::size_t of_two_sessions = 4;
        EXPECT_TRUE(eventually([&] { return fds_for_others() <= of_two_sessions; }, seconds(1)))
            << fds_for_others() << " descriptors with " << calls << " calls before the farewell";
    }
    EXPECT_FALSE(taken) << "the socket was never full";
}

class APipeliningPeer : public Disturbed {
  protected:
    Array<int> shared = Array<int>::create("shared", 5, {.broker = &broker});
    Array<const int> read = Array<const int>::open("shared", {.broker = &broker}); // its other descriptor
};

TEST_F(APipeliningPeer, GetsEachDescriptorWithTheRightMessage) {
    const auto large = Array<int>::create("large", 100'000, {.broker = &broker});
    RawPeer peer(daemon.socket_path());
    ChildProcess writer([&](Lines&) {
        for (int round = 0; round < 100; ++round) {
            peer.send_call("List", {{"pattern", "shared"}});
            peer.send_call("Attach", {{"name", "shared"}, {"access", "write"}});
            peer.send_call("Describe", {{"name", "none"}});
            peer.send_call("Attach", {{"name", "large"}, {"access", "read"}});
        }
    });
    for (int call = 0; call < 400; ++call) {
        const auto answer = peer.receive().value();
        ASSERT_EQ(answer.fds.size(), call % 2 == 1 ? 1U : 0U) << call;
        if (call % 2 == 1) {
            struct stat status{};
            fstat(answer.fds[0].number(), &status);
            EXPECT_EQ(answer["segment"]["name"], call % 4 == 1 ? "shared" : "large");
            EXPECT_EQ(status.st_size > 100'000, call % 4 == 3);
        }
    }
    EXPECT_EQ(writer.wait(), 0);
    peer.call("Goodbye");
    broker.destroy("large");
}

// As most clients do: reads what there is, and gives the descriptors to the first message in it.
TEST_F(APipeliningPeer, GetsEachDescriptorWithTheRightMessageEvenIfItReadsPlainly) {
    RawPeer peer(daemon.socket_path());
    for (int round = 0; round < 20; ++round) {
        peer.send_call("List", {{"pattern", "shared"}});
        peer.send_call("Attach", {{"name", "shared"}, {"access", "read"}});
    }
    for (int messages = 0; messages < 40;) {
        std::array<char, 65536> bytes{};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(253 * sizeof(int))> control{};
        iovec part{bytes.data(), bytes.size()};
        msghdr header{};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        const ssize_t size = recvmsg(peer.socket(), &header, MSG_CMSG_CLOEXEC);
        ASSERT_GT(size, 0);
        const std::string_view news(bytes.data(), static_cast<std::size_t>(size));
        const bool has_fd = CMSG_FIRSTHDR(&header) != nullptr;
        if (has_fd) {
            proto::Fd::adopt(*reinterpret_cast<const int*>(CMSG_DATA(CMSG_FIRSTHDR(&header))));
        }
        EXPECT_EQ(news.substr(0, news.find('\0')).contains("memoryFileDescriptor"), has_fd);
        messages += static_cast<int>(std::ranges::count(news, '\0'));
    }
    peer.call("Goodbye");
}

using AnIdlePeer = WithBroker;

TEST_F(AnIdlePeer, ThatReadsASegmentCostsOneDescriptorMoreForAllWhoDo) {
    const auto shared = Value<int>::create("shared", 1, {.broker = &broker});
    const std::size_t before = daemon.open_fds();
    constexpr std::size_t of_a_session = 2;
    std::vector<RawPeer> peers;
    for (const char* access : {"write", "read", "read"}) {
        RawPeer& peer = peers.emplace_back(daemon.socket_path());
        EXPECT_EQ(peer.call("Attach", {{"name", "shared"}, {"access", access}}).fds.size(), 1U);
    }
    EXPECT_EQ(daemon.open_fds(), before + 3 * of_a_session + 1);
}

} // namespace
} // namespace memshare::test
