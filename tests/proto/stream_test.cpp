// Descriptors and messages really cross a socket here.
#include "proto/stream.h"

#include "tests/proto/descriptors.h"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace memshare::proto {
namespace {

using test::is_close_on_exec;
using test::open_fds;
using test::same_file;
using test::some_file;

using namespace std::string_literals;

constexpr std::size_t most_bytes = 10'000;
constexpr std::size_t most_fds = 253;

// A peer that sends what it likes, and our end.
class AStream : public testing::Test {
  protected:
    AStream() {
        std::array<int, 2> ends{-1, -1};
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        peer_ = Fd::adopt(ends[0]);
        ours_ = Fd::adopt(ends[1]);
        stream_.emplace(ours_.number(), most_bytes);
    }

    // The peer sends this in one piece, with some descriptors beside it.
    void sends(std::string_view bytes, std::size_t fds = 0) {
        const Fd file = some_file();
        const std::vector<int> numbers(fds, file.number());
        const auto sent = Stream(peer_.number(), 0).send(bytes, numbers);
        ASSERT_TRUE(sent) << sent.error().sentence();
        ASSERT_EQ(*sent, bytes.size());
    }

    // What one reading brings, in a word.
    std::string receives() {
        const auto received = stream_->receive();
        return !received                                    ? received.error().sentence()
               : *received == Stream::Received::something   ? "something"
               : *received == Stream::Received::nothing_yet ? "nothing yet"
                                                            : "end";
    }

    // The text of the next message that is there; "(none)" if there is none.
    std::string takes() {
        auto message = stream_->take();
        if (!message) {
            return "(none)";
        }
        taken_fds_ = std::move(message->fds);
        return std::string(message->text);
    }

    std::string receives_and_takes() {
        const std::string received = receives();
        return received == "something" ? takes() : received;
    }

    Fd peer_, ours_;
    std::optional<Stream> stream_;
    std::vector<Fd> taken_fds_; // beside the last message
};

// What a peer of ours may never do to us: leave a descriptor open.
class ABadMessage : public AStream {
  protected:
    void SetUp() override { before_ = open_fds(); }
    void TearDown() override {
        stream_.reset();
        EXPECT_EQ(open_fds(), before_);
    }

  private:
    std::size_t before_ = 0;
};

TEST_F(AStream, GivesAMessageWithoutItsNul) {
    sends("hello\0"s);
    EXPECT_EQ(receives_and_takes(), "hello");
    EXPECT_EQ(takes(), "(none)");
}

TEST_F(AStream, HasNothingYetWhileNothingIsSent) {
    EXPECT_EQ(receives(), "nothing yet");
    EXPECT_EQ(takes(), "(none)");
}

TEST_F(AStream, PutsAMessageTogetherThatCameInPieces) {
    const std::string message = "hello\0"s;
    for (const char byte : message) {
        EXPECT_EQ(takes(), "(none)");
        sends(std::string(1, byte));
        EXPECT_EQ(receives(), "something");
    }
    EXPECT_EQ(takes(), "hello");
}

TEST_F(AStream, TakesMessagesApartThatCameTogether) {
    sends("one\0\0three\0"s);
    EXPECT_EQ(receives_and_takes(), "one");
    EXPECT_EQ(takes(), "");
    EXPECT_EQ(takes(), "three");
    EXPECT_EQ(takes(), "(none)");
}

TEST_F(AStream, KeepsTheBeginningOfTheNextMessage) {
    sends("one\0tw"s);
    EXPECT_EQ(receives_and_takes(), "one");
    EXPECT_EQ(takes(), "(none)");
    sends("o\0"s);
    EXPECT_EQ(receives_and_takes(), "two");
}

TEST_F(AStream, CarriesAMessageAsLongAsTheLimit) {
    const std::string text(most_bytes, 'x');
    sends(text + '\0');
    std::string received;
    while ((received = receives_and_takes()) == "(none)") {
    }
    EXPECT_EQ(received, text);
}

TEST_F(AStream, CarriesManyMessagesThroughTheSameMemory) {
    for (std::size_t size = 1; size < most_bytes; size += 997) {
        const std::string text(size, 'x');
        sends(text + "\0half"s);
        std::string received;
        while ((received = receives_and_takes()) == "(none)") {
        }
        EXPECT_EQ(received, text);
        sends("\0"s);
        EXPECT_EQ(receives_and_takes(), "half");
    }
}

TEST_F(AStream, SaysWhetherItIsInsideAMessage) {
    EXPECT_FALSE(stream_->inside_message());
    sends("one\0tw"s);
    EXPECT_EQ(receives_and_takes(), "one");
    EXPECT_TRUE(stream_->inside_message());
    sends("o\0"s);
    EXPECT_EQ(receives_and_takes(), "two");
    EXPECT_FALSE(stream_->inside_message());
}

TEST_F(AStream, EndsWhenItsPeerDoes) {
    sends("last\0"s);
    peer_.close();
    EXPECT_EQ(receives_and_takes(), "last");
    EXPECT_EQ(receives(), "end");
    EXPECT_FALSE(stream_->inside_message());
}

TEST_F(AStream, ThatEndsInsideAMessageSaysSo) {
    sends("las");
    peer_.close();
    EXPECT_EQ(receives(), "something");
    EXPECT_EQ(receives(), "end");
    EXPECT_TRUE(stream_->inside_message());
}

TEST_F(AStream, WaitsIfItIsToldTo) {
    const timeval moment{.tv_sec = 0, .tv_usec = 1000};
    ASSERT_EQ(setsockopt(ours_.number(), SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment)), 0);
    EXPECT_EQ(*stream_->receive(Stream::Wait::yes), Stream::Received::nothing_yet);
    sends("x\0"s);
    EXPECT_EQ(*stream_->receive(Stream::Wait::yes), Stream::Received::something);
}

TEST_F(AStream, CarriesADescriptorBesideItsMessage) {
    const Fd file = some_file();
    const int number = file.number();
    ASSERT_TRUE(Stream(peer_.number(), 0).send("take this\0"s, std::span(&number, 1)));
    EXPECT_EQ(receives_and_takes(), "take this");
    ASSERT_EQ(taken_fds_.size(), 1U);
    EXPECT_NE(taken_fds_[0].number(), number);
    EXPECT_TRUE(same_file(taken_fds_[0].number(), number));
}

TEST_F(AStream, CarriesDescriptorsInTheirOrder) {
    const Fd first = some_file();
    const Fd second = some_file();
    ASSERT_TRUE(Stream(peer_.number(), 0).send("x\0"s, std::array{first.number(), second.number()}));
    EXPECT_EQ(receives_and_takes(), "x");
    ASSERT_EQ(taken_fds_.size(), 2U);
    EXPECT_TRUE(same_file(taken_fds_[0].number(), first.number()));
    EXPECT_TRUE(same_file(taken_fds_[1].number(), second.number()));
}

TEST_F(AStream, ReceivesDescriptorsCloseOnExec) {
    sends("x\0"s, 1);
    EXPECT_EQ(receives_and_takes(), "x");
    EXPECT_TRUE(is_close_on_exec(taken_fds_.at(0).number()));
}

TEST_F(AStream, CarriesAsManyDescriptorsAsTheKernelDoes) {
    sends("x\0"s, most_fds);
    EXPECT_EQ(receives_and_takes(), "x");
    EXPECT_EQ(taken_fds_.size(), most_fds);
}

TEST_F(AStream, KeepsDescriptorsForTheRestOfTheirMessage) {
    sends("be", 2);
    EXPECT_EQ(receives_and_takes(), "(none)");
    sends("gun\0"s);
    EXPECT_EQ(receives_and_takes(), "begun");
    EXPECT_EQ(taken_fds_.size(), 2U);
}

TEST_F(AStream, GivesEachMessageItsOwnDescriptors) {
    sends("one\0"s, 1);
    sends("two\0"s, 2);
    sends("none\0"s);
    EXPECT_EQ(receives_and_takes(), "one");
    EXPECT_EQ(taken_fds_.size(), 1U);
    EXPECT_EQ(receives_and_takes(), "two");
    EXPECT_EQ(taken_fds_.size(), 2U);
    EXPECT_EQ(receives_and_takes(), "none");
    EXPECT_EQ(taken_fds_.size(), 0U);
}

TEST_F(AStream, GivesDescriptorsToAMessageThatOthersFollow) {
    sends("one\0"s, 1);
    sends("two\0"s);
    EXPECT_EQ(receives_and_takes(), "one");
    EXPECT_EQ(taken_fds_.size(), 1U);
    EXPECT_EQ(receives_and_takes(), "two");
    EXPECT_EQ(taken_fds_.size(), 0U);
}

TEST_F(AStream, SendsAsMuchAsTheSocketTakes) {
    std::string much;
    much.resize(16'000'000);
    const auto sent = stream_->send(much, {});
    ASSERT_TRUE(sent);
    EXPECT_GT(*sent, 0U);
    EXPECT_LT(*sent, much.size());
    EXPECT_EQ(*stream_->send(much, {}), 0U);
}

TEST_F(AStream, WithoutAPeerCannotSend) {
    peer_.close();
    const auto sent = stream_->send("x\0"s, {}); // and no SIGPIPE
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, std::errc::broken_pipe);
}

TEST_F(AStream, OfNoSocketIsAnError) {
    Stream stream(-1, most_bytes);
    EXPECT_EQ(stream.receive().error().code, std::errc::bad_file_descriptor);
    EXPECT_EQ(stream.send("x\0"s, {}).error().code, std::errc::bad_file_descriptor);
}

TEST_F(ABadMessage, IsOneThatIsLongerThanTheLimit) {
    sends(std::string(most_bytes + 1, 'x') + '\0');
    std::string received;
    while ((received = receives_and_takes()) == "(none)") {
    }
    EXPECT_EQ(received, "receive a message of more than 10000 bytes: Protocol error");
}

TEST_F(ABadMessage, IsOneThatIsLongerThanTheLimitBehindAnother) {
    sends("short\0"s + std::string(most_bytes / 2, 'x'));
    EXPECT_EQ(receives_and_takes(), "short");
    sends(std::string(most_bytes / 2 + 1, 'x') + '\0');
    std::string received;
    while ((received = receives_and_takes()) == "(none)") {
    }
    EXPECT_EQ(received, "receive a message of more than 10000 bytes: Protocol error");
}

TEST_F(ABadMessage, IsOneThatIsLongerThanTheLimitThoughOneReadingBringsItWhole) {
    const std::string largest(most_bytes, 'x');
    sends(largest + '\0');
    std::string received;
    while ((received = receives_and_takes()) == "(none)") { // makes room for more than the limit
    }
    EXPECT_EQ(received, largest);
    sends("short\0"s + largest + "y\0"s);
    EXPECT_EQ(receives(), "receive a message of more than 10000 bytes: Protocol error");
}

TEST_F(ABadMessage, IsOneThatNeverEnds) {
    const std::string piece(1000, 'x');
    std::string received;
    std::size_t pieces = 0;
    do {
        sends(piece);
        ++pieces;
    } while ((received = receives_and_takes()) == "(none)");
    EXPECT_EQ(received, "receive a message of more than 10000 bytes: Protocol error");
    EXPECT_LE(pieces, most_bytes / piece.size() + 1);
}

TEST_F(ABadMessage, HasDescriptorsInItsMiddle) {
    sends("be");
    EXPECT_EQ(receives_and_takes(), "(none)");
    sends("gun\0"s, 1);
    EXPECT_EQ(receives_and_takes(), "tell which message some descriptors belong to: Protocol error");
}

TEST_F(ABadMessage, HasDescriptorsAtItsBeginningAndInItsMiddle) {
    sends("be", 1);
    EXPECT_EQ(receives_and_takes(), "(none)");
    sends("gun\0"s, 1);
    EXPECT_EQ(receives_and_takes(), "tell which message some descriptors belong to: Protocol error");
}

TEST_F(ABadMessage, HasDescriptorsThatCouldBelongToAnother) {
    sends("one\0"s);
    sends("two\0"s, 1); // the kernel gives both in one reading
    EXPECT_EQ(receives_and_takes(), "tell which message some descriptors belong to: Protocol error");
}

TEST_F(ABadMessage, HasDescriptorsAndTheBeginningOfAnotherBesideThem) {
    sends("one\0tw"s, 1);
    EXPECT_EQ(receives_and_takes(), "tell which message some descriptors belong to: Protocol error");
}

TEST_F(ABadMessage, HasADescriptorThatThereIsNoRoomFor) {
    sends("x\0"s, 3);
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit tight{.rlim_cur = static_cast<rlim_t>(some_file().number() + 1),
                       .rlim_max = before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
    const std::string received = receives_and_takes();
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(received, "receive the descriptors of a message: Too many open files");
}

TEST_F(ABadMessage, LeavesNoDescriptorThatNobodyTook) {
    sends("unread\0"s, most_fds);
    EXPECT_EQ(receives(), "something");
}

TEST_F(ABadMessage, LeavesNoDescriptorWhenItsPeerEndsInTheMiddle) {
    sends("half", 5);
    peer_ = some_file();
    EXPECT_EQ(receives(), "something");
    EXPECT_EQ(receives(), "end");
}

class AStreamThatRefusesDescriptors : public AStream {
  protected:
    AStreamThatRefusesDescriptors() {
        stream_.emplace(ours_.number(), most_bytes, Stream::Descriptors::refused);
    }
};

TEST_F(AStreamThatRefusesDescriptors, TakesMessagesWithout) {
    sends("one\0two\0thr"s);
    EXPECT_EQ(receives(), "something");
    EXPECT_EQ(takes(), "one");
    EXPECT_EQ(takes(), "two");
    EXPECT_EQ(receives(), "nothing yet");
    sends("ee\0"s);
    EXPECT_EQ(receives(), "something");
    EXPECT_EQ(takes(), "three");
    peer_.close();
    EXPECT_EQ(receives(), "end");
}

TEST_F(AStreamThatRefusesDescriptors, FailsAtTheFirstAndLeavesItInTheSocket) {
    const std::size_t before = open_fds();
    for (const std::string& bytes : {"whole\0"s, "half"s}) {
        sends(bytes, most_fds);
        EXPECT_EQ(receives(), "take descriptors: no call brings any: Protocol error");
        EXPECT_EQ(open_fds(), before);
    }
}

TEST_F(AStreamThatRefusesDescriptors, FailsAlsoWhereTheyComeInTheMiddleOfAMessage) {
    sends("ha");
    EXPECT_EQ(receives(), "something");
    sends("lf\0"s, 1);
    EXPECT_EQ(receives(), "take descriptors: no call brings any: Protocol error");
}

TEST_F(AStreamThatRefusesDescriptors, LooksForNoneWhereTheKernelLetsNoneIn) {
    stream_->set_descriptors(Stream::Descriptors::barred);
    sends("one\0"s);
    EXPECT_EQ(receives(), "something");
    EXPECT_EQ(takes(), "one");
    EXPECT_EQ(receives(), "nothing yet");
}

TEST_F(AStream, GivesBackTheMemoryOfALongMessageWhenItIsEmpty) {
    const std::string bytes = std::string(9'000, 'x') + '\0';
    sends(bytes.substr(0, 8'000));
    EXPECT_EQ(receives(), "something");
    EXPECT_EQ(receives(), "something");
    stream_->give_back_memory(4096);
    EXPECT_GE(stream_->held_bytes(), 8'000U) << "half a message stays";
    sends(bytes.substr(8'000));
    while (receives() == "something") {
    }
    EXPECT_EQ(takes(), bytes.substr(0, 9'000));
    stream_->give_back_memory(4096);
    EXPECT_LT(stream_->held_bytes(), 4096U);
    sends("next\0"s);
    EXPECT_EQ(receives(), "something");
    EXPECT_EQ(takes(), "next");
}

} // namespace
} // namespace memshare::proto
