// Segments that nobody can write to: frozen ones, and those of one exclusive writer.
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <numeric>
#include <thread>

namespace memshare::test {
namespace {

class AFreezableArray : public WithBroker {
  protected:
    Array<int> numbers = Array<int>::create("arr", {1, 2, 3}, {.freezable = true, .broker = &broker});

    void expect_writable() {
        numbers[0] = 7;
        EXPECT_EQ(Array<const int>::open("arr", {.broker = &broker})[0], 7);
        const std::scoped_lock lock(numbers.mutex());
    }
};

TEST_F(AFreezableArray, CanBeReadWhenItIsFrozen) {
    const auto frozen = numbers.freeze();
    EXPECT_TRUE(frozen.info().frozen);
    EXPECT_EQ(frozen[2], 3);
    EXPECT_EQ(numbers.size(), 0U);
    EXPECT_TRUE(broker.describe("arr").segment.frozen);
    EXPECT_EQ(Array<const int>::open("arr", {.broker = &broker})[1], 2);
}

TEST_F(AFreezableArray, StaysWhereItIsWhenItIsFrozen) {
    const int* before = numbers.data();
    const auto frozen = numbers.freeze();
    EXPECT_EQ(frozen.data(), before);
    EXPECT_EQ(*before, 1);
}

TEST_F(AFreezableArray, CannotBeWrittenByAnybodyWhenItIsFrozen) {
    RawPeer peer(daemon.socket_path());
    const auto attached = peer.call("Attach", {{"name", "arr"}, {"access", "write"}});
    ASSERT_EQ(attached.fds.size(), 1U);
    peer.call("Detach", {{"name", "arr"}}); // and keeps the descriptor
    const auto frozen = numbers.freeze();
    EXPECT_EQ(pwrite(attached.fds[0].number(), "x", 1, 0), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, attached.fds[0].number(), 0),
              MAP_FAILED);
    EXPECT_EQ(errno, EPERM);
    ChildProcess writer([&](Lines&) {
        signal(SIGSEGV, SIG_DFL); // not a sanitizer's
        const_cast<int&>(frozen[0]) = 2;
    });
    EXPECT_EQ(writer.wait(), -SIGSEGV);
    const Error error = error_of([this] { Array<int>::open("arr", {.broker = &broker}); });
    EXPECT_EQ(error.code(), Errc::frozen);
}

TEST_F(AFreezableArray, IsNotFrozenWhileAnotherProcessHasItMappedForWriting) {
    ChildProcess writer([this](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto same = Array<int>::open("arr", {.broker = &own});
        parent.say("mapped");
        parent.hear();
    });
    writer.hear();
    const Error error = error_of([this] { numbers.freeze(); });
    EXPECT_EQ(error.code(), Errc::busy);
    EXPECT_NE(std::string(error.what()).find('[' + std::to_string(writer.pid()) + ']'), std::string::npos)
        << error.what();
    expect_writable();
    writer.kill();
    EXPECT_TRUE(eventually([this] { return broker.describe("arr").attachments.size() == 1; }));
    EXPECT_TRUE(numbers.freeze().info().frozen);
}

TEST_F(AFreezableArray, IsNotFrozenWhileAForkedChildHasItMappedForWriting) {
    ChildProcess child([](Lines& parent) {
        parent.say("here");
        parent.hear();
    });
    child.hear();
    EXPECT_EQ(error_of([this] { numbers.freeze(); }).code(), Errc::busy);
    expect_writable();
    child.kill();
    EXPECT_TRUE(numbers.freeze().info().frozen);
}

TEST_F(AFreezableArray, IsNotFrozenThroughOneHandleWhileAnotherCanWrite) {
    std::optional same = Array<int>::open("arr", {.broker = &broker});
    EXPECT_EQ(error_of([this] { numbers.freeze(); }).code(), Errc::busy);
    same.reset();
    EXPECT_TRUE(numbers.freeze().info().frozen);
}

TEST_F(AFreezableArray, IsFrozenWhileOthersReadIt) {
    const auto reader = Array<const int>::open("arr", {.broker = &broker});
    const auto frozen = numbers.freeze();
    EXPECT_EQ(reader[0], 1);
}

TEST_F(AFreezableArray, IsNotFrozenByAnotherUser) {
    NEEDS_ROOT();
    RawPeer owner(daemon.socket_path());
    ASSERT_EQ(owner
                  .call("Create", {{"name", "open to all"},
                                   {"form", "value"},
                                   {"element", {{"kind", "i32"}}},
                                   {"mode", 0666},
                                   {"freezable", true}})
                  .error(),
              "");
    ChildProcess other = ChildProcess::as_user(nobody, [this](Lines&) {
        RawPeer peer(daemon.socket_path());
        EXPECT_EQ(peer.call("Freeze", {{"name", "open to all"}}).error(), "io.memshare.Broker.AccessDenied");
    });
    EXPECT_EQ(other.wait(), 0);
}

TEST_F(AFreezableArray, IsNotFrozenUnlessItWasMadeSo) {
    auto other = Array<int>::create("other", 3, {.broker = &broker});
    const Error error = error_of([&] { other.freeze(); });
    EXPECT_EQ(error.code(), Errc::invalid_argument);
    other[0] = 1;
    const std::scoped_lock lock(other.mutex());
}

TEST_F(AFreezableArray, CanBeAValueAsWell) {
    using Large = std::array<int, 20>;
    auto value = Value<Large>::create("value", {4, 5}, {.freezable = true, .broker = &broker});
    value.store({6});
    const auto frozen = value.freeze();
    EXPECT_EQ(frozen.load()[0], 6);
    EXPECT_EQ(Value<const Large>::open("value", {.broker = &broker}).load()[0], 6);
}

TEST_F(AFreezableArray, IsNotFrozenByTheThreadThatHasItLocked) {
    {
        const std::scoped_lock lock(numbers.mutex());
        EXPECT_EQ(error_of([this] { numbers.freeze(); }).code(), Errc::busy);
        EXPECT_TRUE(numbers.mutex().is_held());
    }
    EXPECT_EQ(broker.describe("arr").lock.recoveries, 0U);
    expect_writable();
}

TEST_F(AFreezableArray, LosesNoLockByATryThatFails) {
    auto same = Array<int>::open("arr", {.broker = &broker});
    ChildProcess holder([this](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto its_own = Array<int>::open("arr", {.broker = &own});
        const std::scoped_lock lock(its_own.mutex());
        parent.say("locked");
        parent.hear();
        EXPECT_TRUE(its_own.mutex().is_held());
    });
    holder.hear();
    EXPECT_EQ(error_of([this] { numbers.freeze(); }).code(), Errc::busy);
    EXPECT_EQ(error_of([&] { same.freeze(); }).code(), Errc::busy);
    holder.say("still yours?");
    EXPECT_EQ(holder.wait(), 0);
    EXPECT_EQ(broker.describe("arr").lock.recoveries, 0U);
    const auto description = broker.describe("arr");
    EXPECT_EQ(description.attachments.front().access, Access::write);
    expect_writable();
}

TEST_F(AFreezableArray, StaysWritableIfTheBrokerGoesBeforeItIsFrozen) {
    daemon.kill();
    EXPECT_THROW(numbers.freeze(), Error);
    numbers[0] = 7;
    const std::scoped_lock lock(numbers.mutex());
}

TEST_F(AFreezableArray, IsNotMadeWritableByAReaderWhoCannotFreezeIt) {
    ChildProcess writer([this](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto same = Array<int>::open("arr", {.broker = &own});
        parent.say("mapped");
        parent.hear();
    });
    writer.hear();
    ChildProcess reader([this](Lines&) {
        Broker own(daemon.socket_path());
        auto segment = Segment::open("arr", Access::read, {}, {.broker = &own});
        EXPECT_EQ(error_of([&] { segment.freeze(); }).code(), Errc::busy);
        EXPECT_EQ(segment.access(), Access::read);
        signal(SIGSEGV, SIG_DFL); // not a sanitizer's
        segment.payload()[0] = std::byte{1};
    });
    EXPECT_EQ(reader.wait(), -SIGSEGV);
}

class AnExclusiveWriter : public WithBroker {
  protected:
    Array<int> numbers =
        Array<int>::create("arr", {1, 2, 3}, {.mode = 0666, .exclusive_writer = true, .broker = &broker});
};

TEST_F(AnExclusiveWriter, WritesWhatOthersRead) {
    ChildProcess reader([this](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto same = Array<const int>::open("arr", {.broker = &own});
        const Version seen = same.version();
        parent.say("waiting");
        same.wait(seen);
        EXPECT_EQ(same[0], 9);
    });
    reader.hear();
    numbers[0] = 9;
    numbers.notify_all();
    EXPECT_EQ(reader.wait(), 0);
    const std::scoped_lock lock(numbers.mutex());
}

TEST_F(AnExclusiveWriter, IsTheOnlyOneOfItsUserWhoCan) {
    ChildProcess other([this](Lines&) {
        Broker own(daemon.socket_path());
        EXPECT_EQ(error_of([&] { Array<int>::open("arr", {.broker = &own}); }).code(), Errc::access_denied);
        RawPeer peer(daemon.socket_path());
        const auto attached = peer.call("Attach", {{"name", "arr"}, {"access", "read"}});
        ASSERT_EQ(attached.fds.size(), 1U);
        const std::string path = "/proc/self/fd/" + std::to_string(attached.fds[0].number());
        const auto again = proto::Fd::adopt(open(path.c_str(), O_RDWR | O_CLOEXEC));
        ASSERT_TRUE(again); // the same user may open it, and still
        EXPECT_EQ(pwrite(again.number(), "x", 1, 0), -1);
        EXPECT_EQ(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again.number(), 0), MAP_FAILED);
    });
    EXPECT_EQ(other.wait(), 0);
}

TEST_F(AnExclusiveWriter, HasForkedChildrenThatReadOnly) {
    auto value = Value<int>::create("num", 1, {.mode = 0666, .exclusive_writer = true, .broker = &broker});
    ChildProcess child([&](Lines& parent) {
        EXPECT_EQ(value.load(), 1);
        EXPECT_EQ(numbers[2], 3);
        EXPECT_EQ(error_of([&] { numbers.mutex().lock(); }).code(), Errc::access_denied);
        EXPECT_EQ(error_of([&] { numbers.mutex().try_lock(); }).code(), Errc::access_denied);
        ChildProcess writer([&](Lines&) {
            signal(SIGSEGV, SIG_DFL); // not a sanitizer's
            value.store(2);
            std::_Exit(0);
        });
        EXPECT_EQ(writer.wait(), -SIGSEGV);
        ChildProcess of_an_array([&](Lines&) {
            signal(SIGSEGV, SIG_DFL); // not a sanitizer's
            numbers[0] = 2;
            std::_Exit(0);
        });
        EXPECT_EQ(of_an_array.wait(), -SIGSEGV);
        parent.say("waiting");
        value.wait(1); // as a reader
        EXPECT_EQ(value.load(), 3);
    });
    EXPECT_EQ(child.hear(), "waiting");
    value.store(3);
    EXPECT_EQ(child.wait(), 0);
    numbers[0] = 7;
    const std::scoped_lock lock(numbers.mutex());
    EXPECT_EQ(value.load(), 3);
}

TEST_F(AnExclusiveWriter, ThatDroppedItsSegmentForksAsEver) {
    numbers = Array<int>::create("other", 1, {.broker = &broker});
    ChildProcess child([&](Lines&) { numbers[0] = 1; });
    EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(numbers[0], 1);
}

TEST_F(AnExclusiveWriter, WakesItsReadersByAStore) {
    auto value = Value<int>::create("num", 0, {.mode = 0666, .exclusive_writer = true, .broker = &broker});
    ChildProcess reader([this](Lines& parent) {
        Broker own(daemon.socket_path());
        const auto same = Value<const int>::open("num", {.broker = &own});
        parent.say("waiting");
        same.wait(0);
    });
    reader.hear();
    value.store(1);
    EXPECT_EQ(reader.wait(), 0);
}

TEST_F(AnExclusiveWriter, CannotHaveAFreezableOne) {
    const Error error = error_of([this] {
        Value<int>::create("num", 0, {.freezable = true, .exclusive_writer = true, .broker = &broker});
    });
    EXPECT_EQ(error.code(), Errc::invalid_argument);
}

TEST_F(AnExclusiveWriter, KeepsWritingWhenItTriesToFreeze) {
    EXPECT_EQ(error_of([this] { numbers.freeze(); }).code(), Errc::invalid_argument);
    numbers[0] = 5;
    EXPECT_EQ(Array<const int>::open("arr", {.broker = &broker})[0], 5);
}

TEST_F(AnExclusiveWriter, IsNotShutOutBeforeItHasMappedWhatItMade) {
    RawPeer maker(daemon.socket_path());
    const auto made = maker.call(
        "Create",
        {{"form", "value"}, {"element", {{"kind", "i32"}}}, {"mode", 0666}, {"exclusiveWriter", true}});
    ASSERT_EQ(made.fds.size(), 1U);
    const std::string id = made["segment"]["id"];
    RawPeer other(daemon.socket_path());
    EXPECT_EQ(other.call("Attach", {{"id", id}, {"access", "read"}}).error(),
              "io.memshare.Broker.NoSuchSegment");
    for (const SegmentInfo& segment : broker.list()) {
        EXPECT_NE(segment.id, id);
    }
    EXPECT_NE(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, made.fds[0].number(), 0), MAP_FAILED);
    EXPECT_EQ(fcntl(made.fds[0].number(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
    EXPECT_EQ(other.call("Attach", {{"id", id}, {"access", "read"}}).error(), "");
    EXPECT_EQ(maker.call("Publish", {{"id", id}, {"name", "whole"}}).error(), "");
}

TEST_F(AnExclusiveWriter, IsTheOnlyOneThatTheBrokerGivesADescriptorToWriteEvenBeforeItSeals) {
    RawPeer maker(daemon.socket_path());
    const auto made = maker.call(
        "Create",
        {{"form", "value"}, {"element", {{"kind", "i32"}}}, {"mode", 0666}, {"exclusiveWriter", true}});
    EXPECT_EQ(maker.call("Publish", {{"id", made["segment"]["id"]}, {"name", "whole"}}).error(), "");
    RawPeer other(daemon.socket_path());
    EXPECT_EQ(other.call("Attach", {{"name", "whole"}, {"access", "write"}}).error(),
              "io.memshare.Broker.AccessDenied");
    EXPECT_EQ(other.call("Attach", {{"name", "whole"}, {"access", "read"}}).error(), "");
}

class AFreeze : public WithBroker {
  protected:
    RawPeer owner{daemon.socket_path()};

    // A freezable segment of the owner's, with the descriptor to write it.
    proto::Fd make(const std::string& name, unsigned mode = 0600) {
        Json create = array_of_i32(name);
        create["freezable"] = true;
        create["mode"] = mode;
        auto made = owner.call("Create", create);
        return std::move(made.fds.at(0));
    }

    std::string freeze(const std::string& name) { return owner.call("Freeze", {{"name", name}}).error(); }
};

TEST_F(AFreeze, IsRefusedAsLongAsTheMemoryIsNotSealed) {
    const auto memory = make("num");
    EXPECT_EQ(freeze("num"), "io.memshare.Broker.NotSealed");
    EXPECT_FALSE(broker.describe("num").segment.frozen);
    ASSERT_EQ(fcntl(memory.number(), F_ADD_SEALS, F_SEAL_WRITE), 0);
    EXPECT_EQ(freeze("num"), "");
    EXPECT_EQ(freeze("num"), "");
    EXPECT_TRUE(broker.describe("num").segment.frozen);
}

TEST_F(AFreeze, TellsOfAnotherSessionThatHasItAttachedForWriting) {
    const auto memory = make("num");
    RawPeer other(daemon.socket_path());
    ASSERT_EQ(other.call("Attach", {{"name", "num"}, {"access", "write"}}).error(), "");
    EXPECT_EQ(freeze("num"), "io.memshare.Broker.Busy");
}

TEST_F(AFreeze, IsKnownWithoutACallAsSoonAsAClientHasSealedTheMemory) {
    const auto memory = make("num");
    ASSERT_EQ(fcntl(memory.number(), F_ADD_SEALS, F_SEAL_WRITE), 0);
    EXPECT_TRUE(broker.describe("num").segment.frozen);
    EXPECT_TRUE(broker.list("num").at(0).frozen);
    EXPECT_EQ(owner.call("Attach", {{"name", "num"}, {"access", "write"}}).error(),
              "io.memshare.Broker.Frozen");
}

TEST_F(AFreeze, OfTwoAtOnceIsDoneForTheWriter) {
    constexpr int rounds = 50;
    ChildProcess reader([this](Lines& parent) { // forked before there is memory that it could inherit
        Broker own(daemon.socket_path());
        for (int round = 0; round < rounds; ++round) {
            auto same = Segment::open(parent.hear(), Access::read, {}, {.broker = &own});
            parent.say("open");
            try {
                same.freeze();
            } catch (const Error& error) {
                EXPECT_EQ(error.code(), Errc::busy); // the writer has not let go of it yet
            }
        }
    });
    for (int round = 0; round < rounds; ++round) {
        const std::string name = "num" + std::to_string(round);
        auto numbers = Array<int>::create(name, 5, {.freezable = true, .broker = &broker});
        reader.say(name);
        reader.hear();
        EXPECT_TRUE(numbers.freeze().info().frozen);
    }
    EXPECT_EQ(reader.wait(), 0);
}

// A write(2) or fallocate(2) of a client's own holds the lock that adding a seal waits for.
TEST_F(AFreeze, HoldsUpNobodyWhileItsOwnerHoldsTheMemorysLockInTheKernel) {
    constexpr std::size_t size = std::size_t{1} << 30;
    Json create = array_of_i32("large", size / sizeof(int));
    create["freezable"] = true;
    auto made = owner.call("Create", create);
    const int memory = made.fds.at(0).number();
    std::jthread holder([&](const std::stop_token& end) {
        while (!end.stop_requested()) {
            fallocate(memory, 0, 0, static_cast<off_t>(size));
            fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size));
        }
    });
    RawPeer bystander(daemon.socket_path());
    milliseconds longest{0};
    for (int round = 0; round < 20; ++round) {
        EXPECT_EQ(freeze("large"), "io.memshare.Broker.NotSealed");
        const auto start = Clock::now();
        bystander.call("org.varlink.service.GetInfo");
        longest = std::max(longest, duration_cast<milliseconds>(Clock::now() - start));
    }
    RecordProperty("longest_call_ms", std::to_string(longest.count()));
}

} // namespace
} // namespace memshare::test
