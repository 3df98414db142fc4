// A process that gives up privileges may ask the broker for no more than its new user may, and keeps what it
// has.
#include "tests/support/raw_peer.h"
#include "tests/support/with_broker.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <mutex>

namespace memshare::test {
namespace {

constexpr const char* no_such_segment = "io.memshare.Broker.NoSuchSegment"; // what it may not read

void become(User user) {
    ASSERT_EQ(setgroups(0, nullptr), 0);
    ASSERT_EQ(setresgid(user.gid, user.gid, user.gid), 0);
    ASSERT_EQ(setresuid(user.uid, user.uid, user.uid), 0);
}

class AProcessThatGivesUpRoot : public WithBroker {
  protected:
    // Makes "inherited" of root's, gives up root, and goes on.
    ChildProcess process(const std::function<void(Lines& test, Broker& own, Value<int>& inherited)>& then) {
        return ChildProcess([&](Lines& test) {
            Broker own(daemon.socket_path());
            auto inherited = Value<int>::create("inherited", 1, {.broker = &own});
            become(nobody);
            then(test, own, inherited);
        });
    }
};

TEST_F(AProcessThatGivesUpRoot, MayDoNoMoreThanItsNewUserMay) {
    NEEDS_ROOT();
    const auto roots = Value<int>::create("roots", 1, {.broker = &broker});
    auto child = process([&](Lines&, Broker& own, Value<int>&) {
        EXPECT_EQ(error_of([&] { Value<int>::open("roots", {.broker = &own}); }).code(),
                  Errc::no_such_segment);
        EXPECT_EQ(error_of([&] { own.destroy("roots"); }).code(), Errc::no_such_segment);
        EXPECT_FALSE(lists(own, "roots"));
        EXPECT_EQ(own.statistics().users.size(), 1U); // root sees each user
        const auto made = Value<int>::create("nobodys", 1, {.broker = &own});
        EXPECT_EQ(made.info().uid, nobody.uid);
    });
    EXPECT_EQ(child.wait(), 0);
    EXPECT_TRUE(lists(broker, "roots"));
}

TEST_F(AProcessThatGivesUpRoot, KeepsItsSessionItsLockAndItsSegments) {
    NEEDS_ROOT();
    ChildProcess child([&](Lines& test) {
        Broker own(daemon.socket_path());
        const auto mine = Value<int>::create("mine", 1, {.broker = &own});
        const std::scoped_lock lock(mine.mutex());
        become(nobody);
        own.version();
        EXPECT_TRUE(mine.mutex().is_held());
        test.say("nobody");
        test.hear();
    });
    EXPECT_EQ(child.hear(), "nobody");
    const auto description = broker.describe("mine");
    ASSERT_EQ(description.attachments.size(), 1U);
    EXPECT_EQ(description.attachments[0].pid, child.pid());
    EXPECT_EQ(description.attachments[0].uid, nobody.uid);
    ASSERT_TRUE(description.lock.holder);
    EXPECT_EQ(description.lock.holder->uid, nobody.uid);
    const auto theirs = Value<int>::open("mine", {.broker = &broker});
    const pid_t pid = child.pid();
    child.kill();
    expect_to_inherit(theirs.mutex(), pid);
    EXPECT_FALSE(lists(broker, "mine"));
}

TEST_F(AProcessThatGivesUpRoot, StillWatchesAndFreesWhatItHas) {
    NEEDS_ROOT();
    auto child = process([&](Lines&, Broker& own, Value<int>& inherited) {
        const auto seen = Value<const int>::open("readable", {.broker = &own});
        const Watch watch = inherited.watch();
        EXPECT_EQ(inherited.load(), 1);
    });
    const auto readable = Value<int>::create("readable", 1, {.mode = 0644, .broker = &broker});
    EXPECT_EQ(child.wait(), 0);
    EXPECT_TRUE(eventually([&] { return broker.describe("readable").attachments.size() == 1; }));
}

TEST_F(AProcessThatGivesUpRoot, HasForkedChildrenThatUseWhatTheyInherited) {
    NEEDS_ROOT();
    auto child = process([&](Lines&, Broker& own, Value<int>& inherited) {
        ChildProcess worker([&](Lines&) {
            const std::scoped_lock lock(inherited.mutex());
            inherited.store(inherited.load() + 1);
            EXPECT_EQ(own.describe("inherited").attachments.size(), 2U);
        });
        EXPECT_EQ(worker.wait(), 0);
        EXPECT_EQ(inherited.load(), 2);
    });
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(AProcessThatGivesUpRoot, MayDoSoInAForkedChildAndUseWhatItInherited) {
    NEEDS_ROOT();
    auto value = Value<int>::create("inherited", 1, {.broker = &broker});
    ChildProcess child([&](Lines&) {
        become(nobody);
        {
            const std::scoped_lock lock(value.mutex());
            value.store(2);
        }
        ChildProcess grandchild([&](Lines&) {
            const std::scoped_lock lock(value.mutex());
            value.store(3);
        });
        EXPECT_EQ(grandchild.wait(), 0);
        EXPECT_EQ(error_of([&] { Value<int>::open("inherited", {.broker = &broker}); }).code(),
                  Errc::access_denied); // another handle is not inherited
    });
    EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(value.load(), 3);
}

TEST_F(AProcessThatGivesUpRoot, FindsTheBrokerBehindAFolderThatOnlyRootMaySearch) {
    NEEDS_ROOT();
    const std::string folder = std::filesystem::path(daemon.socket_path()).parent_path();
    auto child = process([&](Lines& test, Broker& own, Value<int>& inherited) {
        test.say("nobody");
        test.hear();
        EXPECT_EQ(own.list().size(), 0U);
        ChildProcess worker([&](Lines&) { const std::scoped_lock lock(inherited.mutex()); });
        EXPECT_EQ(worker.wait(), 0);
        Broker another(daemon.socket_path());
        const Error error = error_of([&] { another.list(); });
        EXPECT_EQ(error.code(), Errc::no_broker) << error.what();
    });
    EXPECT_EQ(child.hear(), "nobody");
    ASSERT_EQ(chmod(folder.c_str(), 0700), 0);
    child.say("go on");
    EXPECT_EQ(child.wait(), 0);
    ASSERT_EQ(chmod(folder.c_str(), 0755), 0);
}

TEST_F(AProcessThatGivesUpRoot, ForATimeIsTheOtherUserForThatTime) {
    NEEDS_ROOT();
    const auto roots = Value<int>::create("roots", 1, {.broker = &broker});
    ChildProcess child([&](Lines&) {
        Broker own(daemon.socket_path());
        for (int round = 0; round < 3; ++round) {
            EXPECT_TRUE(lists(own, "roots"));
            ASSERT_EQ(seteuid(nobody.uid), 0);
            EXPECT_FALSE(lists(own, "roots"));
            ASSERT_EQ(seteuid(0), 0);
        }
    });
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(AProcessThatGivesUpRoot, LosesItsGroupsAsWell) {
    NEEDS_ROOT();
    const auto groups =
        Value<int>::create("groups", 1, {.mode = 0640, .group = stranger.gid, .broker = &broker});
    ChildProcess child([&](Lines&) {
        Broker own(daemon.socket_path());
        ASSERT_EQ(setgroups(1, &stranger.gid), 0);
        ASSERT_EQ(setegid(nobody.gid), 0);
        ASSERT_EQ(seteuid(nobody.uid), 0);
        EXPECT_TRUE(lists(own, "groups"));
        ASSERT_EQ(seteuid(0), 0);
        ASSERT_EQ(setgroups(0, nullptr), 0);
        ASSERT_EQ(seteuid(nobody.uid), 0);
        EXPECT_FALSE(lists(own, "groups"));
    });
    EXPECT_EQ(child.wait(), 0);
}

// There it is another number to itself, and the same user to the broker.
TEST_F(AProcessThatGivesUpRoot, ByAUserNamespaceKeepsItsSession) {
    ChildProcess child([&](Lines&) {
        Broker own(daemon.socket_path());
        const auto mine = Value<int>::create("mine", 1, {.broker = &own});
        if (unshare(CLONE_NEWUSER) != 0) {
            return; // the machine does not let it
        }
        EXPECT_TRUE(lists(own, "mine"));
        EXPECT_EQ(own.describe("mine").attachments.size(), 1U);
        const std::scoped_lock lock(mine.mutex());
    });
    EXPECT_EQ(child.wait(), 0);
}

// What a peer without the library can do with the token of a session that has "shared" of root's attached.
class ATokenOfAnotherSession : public WithBroker {
  protected:
    std::string answer(Json parameters) {
        RawPeer peer(daemon.socket_path());
        return peer.call("Attach", parameters).error();
    }

    // Of a peer of nobody's.
    void expect(const std::string& error, const Json& parameters) {
        ChildProcess other =
            ChildProcess::as_user(nobody, [&](Lines&) { EXPECT_EQ(answer(parameters), error); });
        EXPECT_EQ(other.wait(), 0) << parameters;
    }

    Json by_token(const std::string& access) const {
        return {{"id", id}, {"access", access}, {"mapped", true}, {"inheritedFrom", token}};
    }

    Value<int> made = Value<int>::create("shared", 1, {.broker = &broker});
    std::string id = made.info().id;
    RawPeer holder{daemon.socket_path()};
    std::string token = holder.call("Hello")["token"];
};

TEST_F(ATokenOfAnotherSession, GivesTheAccessThatTheSessionHasAndNoMore) {
    NEEDS_ROOT();
    expect(no_such_segment, by_token("read"));
    holder.call("Attach", {{"id", id}, {"access", "read"}});
    expect("", by_token("read"));
    expect(no_such_segment, by_token("write"));
    holder.call("Attach", {{"id", id}, {"access", "write"}});
    expect("", by_token("write"));
    holder.call("Detach", {{"id", id}, {"access", "write"}});
    expect(no_such_segment, by_token("write"));
    holder.call("Detach", {{"id", id}, {"access", "read"}});
    expect(no_such_segment, by_token("read"));
}

TEST_F(ATokenOfAnotherSession, GivesNoOtherSegmentAndNothingByName) {
    NEEDS_ROOT();
    const auto other = Value<int>::create("other", 1, {.broker = &broker});
    holder.call("Attach", {{"id", id}, {"access", "write"}});
    Json call = by_token("read");
    call["id"] = other.info().id;
    expect(no_such_segment, call);
    call = by_token("read");
    call.erase("mapped");
    expect(no_such_segment, call);
    call = by_token("read");
    call.erase("id");
    call["name"] = "shared";
    expect(no_such_segment, call);
}

TEST_F(ATokenOfAnotherSession, IsNothingOnceTheSessionIsOver) {
    NEEDS_ROOT();
    holder.call("Attach", {{"id", id}, {"access", "write"}});
    holder.call("Goodbye");
    expect(no_such_segment, by_token("read"));
}

TEST_F(ATokenOfAnotherSession, DoesNotResumeItInAForkedChild) {
    NEEDS_ROOT();
    holder.call("Attach", {{"id", id}, {"access", "write"}});
    ChildProcess other = ChildProcess::as_user(nobody, [&](Lines&) {
        RawPeer peer(daemon.socket_path());
        EXPECT_EQ(peer.call("Hello", {{"resumeToken", token}}).error(), "io.memshare.Broker.NotResumable");
    });
    EXPECT_EQ(other.wait(), 0);
}

// The shell is a program that knows no more than its environment, its arguments and its descriptors.
TEST_F(ATokenOfAnotherSession, IsNotToBeFoundByAProgramThatTheProcessExecutes) {
    NEEDS_ROOT();
    ChildProcess parent([&](Lines&) {
        Broker own(daemon.socket_path());
        const auto roots = Value<int>::create("roots", 1, {.broker = &own});
        const std::string roots_id = roots.info().id;
        const pid_t sandboxed = fork();
        if (sandboxed == 0) {
            become(nobody);
            execl("/bin/sh", "sh", "-c",
                  "for fd in /proc/self/fd/*; do case $(readlink $fd) in *socket:*|*memfd:*|*memshare*) exit "
                  "3;; esac; done;"
                  "if cat /proc/$PPID/mem >/dev/null 2>&1 || cat /proc/$PPID/environ >/dev/null 2>&1; then "
                  "exit 4; fi",
                  nullptr);
            _exit(127);
        }
        EXPECT_EQ(wait_for_end(sandboxed), 0);
        ChildProcess child = ChildProcess::as_user(nobody, [&](Lines&) {
            for (const char* guess : {"", "none", roots_id.c_str()}) { // to be a child proves nothing
                EXPECT_EQ(
                    answer(
                        {{"id", roots_id}, {"access", "read"}, {"mapped", true}, {"inheritedFrom", guess}}),
                    no_such_segment);
            }
            EXPECT_EQ(answer({{"id", roots_id}, {"access", "read"}, {"mapped", true}}), no_such_segment);
        });
        EXPECT_EQ(child.wait(), 0);
    });
    EXPECT_EQ(parent.wait(), 0);
}

} // namespace
} // namespace memshare::test
