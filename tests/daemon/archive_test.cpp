// What the next process finds of sessions, segments and attachments; and what it has still to make good.
#include "daemon/archive.h"

#include "tests/daemon/vault_keeper.h"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>
#include <vector>

namespace memshare::daemon {
namespace {

using proto::Access;
using proto::Fd;
using proto::Lifetime;

// One process of the daemon's after the other, each with what the last one has committed.
class AnArchive : public testing::Test {
  protected:
    struct Process {
        explicit Process(AnArchive& test)
            : archive(std::make_unique<Ledger>(*test.open_ledger()), test.keeper.open()) {
            restored = *archive.restore(registry, test.quota,
                                        [](const Report& report) { FAIL() << report.sentence; });
        }
        Archive archive;
        Registry registry{archive};
        Archive::Restored restored;
    };

    // It dies with all that it has not committed; so nothing of it is destroyed in order.
    void kill() {
        static auto& dead = *new std::vector<std::unique_ptr<Process>>;
        dead.push_back(std::move(process));
        process = std::make_unique<Process>(*this);
    }

    proto::Result<Ledger> open_ledger() {
        if (!ledger) {
            auto made = Ledger::create();
            ledger = *Fd::duplicate(made->descriptor());
            return made;
        }
        return Ledger::open(*Fd::duplicate(ledger.number()));
    }

    Session& session() {
        Peer peer{
            .caller = {.uid = 7, .gid = 7, .groups = {}}, .pid = getpid(), .program = "test", .process = {}};
        peer.process =
            std::make_shared<const Fd>(Fd::adopt(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0))));
        auto deposit = process->archive.deposit(peer.process);
        return process->registry.open_session(std::move(peer), "token " + std::to_string(++tokens), {},
                                              *std::move(deposit));
    }

    Segment& segment(Session& creator) {
        const auto id = proto::SegmentId::random();
        auto memory = std::make_shared<Memory>(*Memory::create(id, 4096));
        auto deposit = process->archive.deposit(memory);
        return process->registry.create(
            creator,
            {.id = id,
             .name = proto::SegmentName::parse("num"),
             .type = {.form = proto::Form::value, .element = {}, .count = 1, .shape = {}},
             .lifetime = Lifetime::persistent,
             .rights = {},
             .created_usec = 1000},
            std::move(memory), {}, *std::move(deposit));
    }

    // Ends all of a session, without anything being made good.
    struct Left {
        std::vector<Registry::Left> attachments;
        Registry::Legacy session;
    };
    Left end(Session& session) {
        Registry& registry = process->registry;
        Left left;
        registry.end(session);
        while (registry.end_one_creation(session)) {
        }
        while (auto one = registry.drop_one_attachment(session)) {
            left.attachments.push_back(*std::move(one));
        }
        left.session = registry.finish(session);
        return left;
    }

    Session* find_session(HolderId holder) { return process->registry.find_session(holder); }
    Segment* find() { return process->registry.find(*proto::SegmentName::parse("num")); }

    Quota quota{Limits{}};
    VaultKeeper keeper;
    Fd ledger;
    int tokens = 0;
    std::unique_ptr<Process> process = std::make_unique<Process>(*this);
};

TEST_F(AnArchive, HasWhatWasCommittedAndNothingElse) {
    Session& creator = session();
    const HolderId holder = creator.holder;
    segment(creator);
    process->archive.commit();
    session();
    kill();
    EXPECT_EQ(process->registry.sessions(), 1U);
    ASSERT_NE(find_session(holder), nullptr);
    ASSERT_NE(find(), nullptr);
    EXPECT_TRUE(Registry::writes(*find_session(holder), *find()));
}

TEST_F(AnArchive, KnowsThatALockMayBeHeldByWhoDetachedForWriting) {
    Session& creator = session();
    const HolderId holder = creator.holder;
    Segment& made = segment(creator);
    process->registry.attach(creator, made, Access::read, 2000, {});
    const auto left = process->registry.detach(creator, made, Access::write);
    process->archive.commit();
    kill();
    ASSERT_EQ(process->restored.held.size(), 1U);
    EXPECT_EQ(process->restored.held.front().holder, holder);
    EXPECT_FALSE(Registry::writes(*find_session(holder), *find()));
    EXPECT_EQ(find()->attached.size(), 1U) << "as it reads";
}

TEST_F(AnArchive, KnowsItAlsoOfASessionThatIsGone) {
    Session& creator = session();
    const HolderId holder = creator.holder;
    const auto left = process->registry.detach(creator, segment(creator), Access::write);
    {
        const auto legacy = end(creator);
    }
    process->archive.commit();
    kill();
    EXPECT_EQ(process->registry.sessions(), 0U);
    ASSERT_EQ(process->restored.held.size(), 1U);
    EXPECT_EQ(process->restored.held.front().holder, holder);
}

TEST_F(AnArchive, KnowsThatASessionHasEndedButNotWhetherWhatItLeftIsMadeGood) {
    Session& creator = session();
    const HolderId holder = creator.holder;
    segment(creator);
    process->archive.keep_the_end_of(creator);
    const auto legacy = end(creator);
    process->archive.commit();
    kill();
    ASSERT_EQ(process->restored.ended, std::vector{holder});
    EXPECT_TRUE(Registry::writes(*find_session(holder), *find()));
}

TEST_F(AnArchive, KnowsHowManyWaitUntilTheEndOfTheSessionIsMended) {
    Session& creator = session();
    const HolderId holder = creator.holder;
    process->registry.count_as_waiting(creator, segment(creator));
    process->archive.commit();
    kill();
    EXPECT_EQ(find()->waiting, 1U);
    process->archive.keep_the_end_of(*find_session(holder));
    {
        const auto left = end(*find_session(holder));
        EXPECT_TRUE(left.attachments.at(0).waited);
        EXPECT_EQ(find()->waiting, 0U);
        process->archive.commit();
        kill();
        EXPECT_EQ(find()->waiting, 1U); // and its end is told again
        EXPECT_EQ(process->restored.ended, std::vector{holder});
    }
}

TEST_F(AnArchive, KeepsASessionOfAUserInMoreGroupsThanAnybodyHas) {
    Session& one = session();
    one.caller.groups = Groups(std::vector<std::uint32_t>(65536, 4'000'000'000));
    process->archive.keep(one);
    process->archive.commit();
    kill();
    EXPECT_EQ(process->registry.sessions(), 1U);
}

} // namespace
} // namespace memshare::daemon
