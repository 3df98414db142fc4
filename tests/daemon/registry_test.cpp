// The rules of lifetime: what ends what.
#include "daemon/archive.h"
#include "tests/proto/descriptors.h"

#include <gtest/gtest.h>

namespace memshare::daemon {
namespace {

using proto::Access;
using proto::Lifetime;
using test::is_open;

std::optional<proto::SegmentName> named(std::string_view text) { return proto::SegmentName::parse(text); }
const std::optional<proto::SegmentName> no_name;

class ARegistry : public testing::Test {
  protected:
    // Ends all of a session; returns what it leaves of segments that are still there.
    std::vector<Registry::Left> end(Session& session) {
        std::vector<Registry::Left> left;
        registry_.end(session);
        while (registry_.end_one_creation(session)) {
        }
        while (auto one = registry_.drop_one_attachment(session)) {
            if (one->segment != nullptr) {
                left.push_back(*std::move(one));
            }
        }
        registry_.finish(session);
        return left;
    }

    Session& session_of(std::uint32_t uid) {
        Session& one = session();
        one.charge = {};
        registry_.change_caller(one, {.uid = uid, .gid = uid, .groups = {}});
        return one;
    }
    Charge charge_of(std::uint32_t uid, std::initializer_list<Amount> amounts) {
        return quota_.charge_anyway(uid, amounts);
    }
    std::uint64_t kept_by(std::uint32_t uid) const {
        return quota_.used_by(uid)[static_cast<std::size_t>(Resource::kept_bytes)];
    }

    Session& session() {
        const std::string token = "token " + std::to_string(++tokens_);
        return registry_.open_session(
            {.caller = {.uid = 7, .gid = 7, .groups = {}}, .pid = 42, .program = "test", .process = {}},
            token, {.charge = charge({{Resource::sessions, 1}})});
    }

    Segment& segment(Session& creator, Lifetime lifetime,
                     std::optional<proto::SegmentName> name = named("num")) {
        const auto id = proto::SegmentId::random();
        proto::Type type{.form = proto::Form::value, .element = {}, .count = 1, .shape = {}};
        return registry_.create(creator,
                                {.id = id,
                                 .name = std::move(name),
                                 .type = std::move(type),
                                 .lifetime = lifetime,
                                 .rights = {.uid = 7},
                                 .created_usec = 1000},
                                std::make_shared<Memory>(*Memory::create(id, 4096)),
                                {.segment = charge({{Resource::segments, 1}, {Resource::bytes, 4096}}),
                                 .name = charge({{Resource::names, 1}}),
                                 .descriptor = {},
                                 .attachment = charge({{Resource::attachments, 1}})});
    }

    void attach(Session& session, Segment& segment, Access access = Access::write) {
        const bool first = !session.attachments.contains(&segment);
        registry_.attach(session, segment, access, 2000,
                         first ? charge({{Resource::attachments, 1}}) : Charge());
    }

    bool detach(Session& session, Segment& segment, std::optional<Access> access = {}) {
        return registry_.detach(session, segment, access).has_value();
    }

    Charge charge(std::initializer_list<Amount> amounts) { return *quota_.charge(7, amounts); }

    bool can_be_found(const proto::SegmentId& id) { return registry_.find(id) != nullptr; }
    bool is_gone(const proto::SegmentId& id) { return registry_.find_even_ended(id) == nullptr; }
    Segment* find(std::string_view name) { return registry_.find(*named(name)); }

    static constexpr Amounts plenty{100'000, 100'000, std::uint64_t{1} << 40, 100'000, 100'000};
    Quota quota_{{.per_user = plenty, .total = plenty}};
    Archive nothing_kept_;
    Registry registry_{nothing_kept_};
    int tokens_ = 0;
};

// Sessions.

TEST_F(ARegistry, FindsASessionByItsHolderIdAndByItsToken) {
    const Session& one = session();
    const Session& other = session();
    EXPECT_EQ(registry_.find_session(one.holder), &one);
    EXPECT_EQ(registry_.find_session_by_token(other.token), &other);
    EXPECT_EQ(registry_.find_session(other.holder + 1), nullptr);
    EXPECT_EQ(registry_.find_session_by_token(""), nullptr);
}

TEST_F(ARegistry, KeepsWhatItIsToldOfASession) {
    const Session& one = session();
    EXPECT_EQ(one.pid, 42);
    EXPECT_EQ(one.program, "test");
    EXPECT_EQ(one.caller.uid, 7U);
    EXPECT_TRUE(one.holds_nothing());
}

TEST_F(ARegistry, ForgetsASessionThatEnds) {
    Session& one = session();
    const HolderId holder = one.holder;
    const std::string token = one.token;
    end(one);
    EXPECT_EQ(registry_.find_session(holder), nullptr);
    EXPECT_EQ(registry_.find_session_by_token(token), nullptr);
    EXPECT_EQ(registry_.sessions(), 0U);
}

TEST_F(ARegistry, GivesEachSessionAHolderIdOfItsOwnThatALockWordCanHold) {
    std::set<HolderId> seen;
    for (int i = 0; i < 1000; ++i) {
        const HolderId holder = session().holder;
        EXPECT_TRUE(seen.insert(holder).second);
        EXPECT_GE(holder, 1U);
        EXPECT_LT(holder, 1U << 30);
    }
}

TEST_F(ARegistry, DoesNotGiveOutTheHolderIdOfADeadSessionAgainSoon) {
    std::set<HolderId> seen;
    for (int i = 0; i < 1000; ++i) {
        Session& short_lived = session();
        EXPECT_TRUE(seen.insert(short_lived.holder).second);
        end(short_lived);
    }
}

TEST_F(ARegistry, SaysWhetherASessionHoldsAnything) {
    Session& creator = session();
    Session& other = session();
    Segment& made = segment(creator, Lifetime::creator);
    attach(other, made);
    EXPECT_FALSE(creator.holds_nothing());
    EXPECT_FALSE(other.holds_nothing());
    detach(creator, made);
    detach(other, made);
    EXPECT_FALSE(creator.holds_nothing()) << "as its end is the end of the segment";
    EXPECT_TRUE(other.holds_nothing());
    registry_.end(made);
    EXPECT_TRUE(creator.holds_nothing());
}

// Finding.

TEST_F(ARegistry, FindsASegmentByItsIdAndByItsName) {
    const Segment& made = segment(session(), Lifetime::creator);
    EXPECT_EQ(registry_.find(made.is.id), &made);
    EXPECT_EQ(find("num"), &made);
    EXPECT_EQ(find("other"), nullptr);
    EXPECT_FALSE(can_be_found(proto::SegmentId::random()));
}

TEST_F(ARegistry, KeepsWhoMadeASegmentWhenTheCreatorIsGone) {
    Session& creator = session();
    const Segment& made = segment(creator, Lifetime::persistent);
    end(creator);
    EXPECT_EQ(made.creator_pid, 42);
    EXPECT_EQ(made.creator_program, "test");
}

TEST_F(ARegistry, ListsSegmentsOldestFirst) {
    Session& creator = session();
    const Segment& first = segment(creator, Lifetime::creator, named("b"));
    const Segment& second = segment(creator, Lifetime::creator, named("a"));
    EXPECT_EQ(registry_.next_after(0), &first);
    EXPECT_EQ(registry_.next_after(first.age), &second);
    EXPECT_EQ(registry_.next_after(second.age), nullptr);
    EXPECT_EQ(registry_.segments(), 2U);
}

TEST_F(ARegistry, ListsNoSegmentThatHasEnded) {
    Session& creator = session();
    Segment& first = segment(creator, Lifetime::creator, named("a"));
    const Segment& second = segment(creator, Lifetime::creator, named("b"));
    const std::uint64_t age = first.age;
    registry_.end(first);
    EXPECT_EQ(registry_.next_after(0), &second);
    EXPECT_EQ(registry_.next_after(age), &second) << "a listing goes on from where it was";
    EXPECT_EQ(registry_.segments(), 1U);
}

// Names.

TEST_F(ARegistry, NamesAnUnnamedSegment) {
    Segment& made = segment(session(), Lifetime::creator, no_name);
    registry_.publish(made, *named("late"), {});
    EXPECT_EQ(find("late"), &made);
    EXPECT_EQ(made.is.name, named("late"));
}

TEST_F(ARegistry, GivesANameBackWhenItsSegmentEndsAndTheRestWhenItIsGone) {
    Session& creator = session();
    Segment& made = segment(creator, Lifetime::persistent);
    EXPECT_EQ(quota_.used_by(7)[static_cast<std::size_t>(Resource::names)], 1U);
    registry_.end(made);
    EXPECT_EQ(quota_.used_by(7)[static_cast<std::size_t>(Resource::names)], 0U);
    EXPECT_EQ(quota_.used_by(7)[static_cast<std::size_t>(Resource::bytes)], 4096U);
    end(creator);
    EXPECT_EQ(quota_.used_by(7)[static_cast<std::size_t>(Resource::bytes)], 0U);
}

TEST_F(ARegistry, FreesANameAtOnceWhenItsSegmentEnds) {
    Session& creator = session();
    Segment& old = segment(creator, Lifetime::persistent);
    registry_.end(old);
    EXPECT_EQ(find("num"), nullptr);
    const Segment& young = segment(creator, Lifetime::persistent);
    EXPECT_EQ(find("num"), &young);
}

TEST_F(ARegistry, FreesAPublishedNameWhenItsSegmentEnds) {
    Segment& made = segment(session(), Lifetime::creator, no_name);
    registry_.publish(made, *named("late"), {});
    registry_.end(made);
    EXPECT_EQ(find("late"), nullptr);
}

TEST_F(ARegistry, DoesNotTakeANameFromItsNewSegmentWhenTheOldOneGoes) {
    Session& creator = session();
    Segment& old = segment(creator, Lifetime::persistent);
    registry_.end(old);
    const Segment& young = segment(creator, Lifetime::persistent);
    detach(creator, old);
    EXPECT_EQ(find("num"), &young);
}

// The lifetime `creator`.

TEST_F(ARegistry, EndsASegmentWithItsCreator) {
    Session& creator = session();
    const auto id = segment(creator, Lifetime::creator).is.id;
    end(creator);
    EXPECT_TRUE(is_gone(id));
    EXPECT_EQ(find("num"), nullptr);
}

TEST_F(ARegistry, EndsASegmentWithItsCreatorThoughOthersHaveItMapped) {
    Session& creator = session();
    Segment& made = segment(creator, Lifetime::creator);
    attach(session(), made);
    end(creator);
    EXPECT_TRUE(made.ended);
    EXPECT_FALSE(can_be_found(made.is.id));
    EXPECT_FALSE(is_gone(made.is.id));
}

TEST_F(ARegistry, EndsASegmentWithItsCreatorThoughItHasDetached) {
    Session& creator = session();
    Segment& made = segment(creator, Lifetime::creator);
    const auto id = made.is.id;
    detach(creator, made);
    EXPECT_TRUE(can_be_found(id));
    end(creator);
    EXPECT_TRUE(is_gone(id));
}

TEST_F(ARegistry, EndsAllSegmentsOfACreator) {
    Session& creator = session();
    for (const auto* name : {"a", "b", "c"}) {
        segment(creator, Lifetime::creator, named(name));
    }
    segment(creator, Lifetime::creator, no_name);
    end(creator);
    EXPECT_EQ(registry_.segments(), 0U);
    EXPECT_EQ(registry_.take_released().size(), 4U);
}

TEST_F(ARegistry, DoesNotEndASegmentWithAnybodyElse) {
    Segment& made = segment(session(), Lifetime::creator);
    for (int i = 0; i < 100; ++i) {
        Session& other = session();
        attach(other, made);
        end(other);
    }
    EXPECT_TRUE(can_be_found(made.is.id));
    EXPECT_FALSE(made.ended);
}

// The lifetime `attached`.

TEST_F(ARegistry, EndsAnAttachedSegmentWithItsLastAttachment) {
    Session& creator = session();
    Session& other = session();
    Segment& made = segment(creator, Lifetime::attached);
    const auto id = made.is.id;
    attach(other, made);
    detach(creator, made);
    EXPECT_TRUE(can_be_found(id));
    detach(other, made);
    EXPECT_TRUE(is_gone(id));
    EXPECT_EQ(find("num"), nullptr);
}

TEST_F(ARegistry, KeepsAnAttachedSegmentBeyondTheEndOfItsCreator) {
    Session& creator = session();
    Session& other = session();
    Segment& made = segment(creator, Lifetime::attached);
    const auto id = made.is.id;
    attach(other, made);
    end(creator);
    EXPECT_TRUE(can_be_found(id));
    end(other);
    EXPECT_TRUE(is_gone(id));
}

// The lifetime `persistent`.

TEST_F(ARegistry, KeepsAPersistentSegmentWithoutAnyAttachment) {
    Session& creator = session();
    const Segment& made = segment(creator, Lifetime::persistent);
    end(creator);
    EXPECT_EQ(find("num"), &made);
    EXPECT_TRUE(registry_.take_released().empty());
}

TEST_F(ARegistry, AttachesAgainToAPersistentSegmentThatNobodyHad) {
    Session& creator = session();
    Segment& made = segment(creator, Lifetime::persistent);
    end(creator);
    Session& late = session();
    attach(late, made);
    end(late);
    EXPECT_EQ(find("num"), &made);
}

TEST_F(ARegistry, EndsAPersistentSegmentWhenItIsTold) {
    Session& creator = session();
    Segment& made = segment(creator, Lifetime::persistent);
    const auto id = made.is.id;
    end(creator);
    registry_.end(made);
    EXPECT_TRUE(is_gone(id));
    EXPECT_EQ(registry_.take_released().size(), 1U);
}

// Unnamed segments.

TEST_F(ARegistry, EndsAnUnnamedSegmentWithItsLastAttachmentWhateverItsLifetime) {
    for (const Lifetime lifetime : {Lifetime::creator, Lifetime::attached, Lifetime::persistent}) {
        Session& creator = session();
        Segment& made = segment(creator, lifetime, no_name);
        const auto id = made.is.id;
        detach(creator, made);
        EXPECT_TRUE(is_gone(id));
        EXPECT_TRUE(creator.holds_nothing());
    }
}

TEST_F(ARegistry, KeepsAnUnnamedSegmentThatWasNamedInTime) {
    Session& creator = session();
    Segment& made = segment(creator, Lifetime::persistent, no_name);
    registry_.publish(made, *named("late"), {});
    end(creator);
    EXPECT_EQ(find("late"), &made);
}

// What is ended, and still mapped.

TEST_F(ARegistry, KeepsTheMemoryOfAnEndedSegmentUntilItsLastAttachmentEnds) {
    Session& creator = session();
    Session& other = session();
    Segment& made = segment(creator, Lifetime::creator);
    attach(other, made);
    end(creator);
    EXPECT_TRUE(registry_.take_released().empty());
    const auto id = made.is.id;
    end(other);
    EXPECT_TRUE(is_gone(id));
    EXPECT_EQ(registry_.take_released().size(), 1U);
}

TEST_F(ARegistry, GivesTheMemoryOutToBeClosedByItsCaller) {
    Session& creator = session();
    const int number = segment(creator, Lifetime::creator).memory->writable();
    end(creator);
    EXPECT_TRUE(is_open(number));
    registry_.take_released().clear();
    EXPECT_FALSE(is_open(number));
    EXPECT_TRUE(registry_.take_released().empty());
}

TEST_F(ARegistry, EndsAllInWhateverOrderTheyGo) {
    Session& creator = session();
    Session& other = session();
    for (const Lifetime lifetime : {Lifetime::creator, Lifetime::attached}) {
        for (int i = 0; i < 10; ++i) {
            Session& maker = i % 2 == 0 ? creator : other;
            Session& guest = i % 2 == 0 ? other : creator;
            attach(guest, segment(maker, lifetime, no_name));
        }
    }
    end(other);
    end(creator);
    EXPECT_EQ(registry_.segments(), 0U);
    EXPECT_EQ(registry_.take_released().size(), 20U);
}

// Attachments.

TEST_F(ARegistry, AttachesTheCreatorForWriting) {
    Session& creator = session();
    const Segment& made = segment(creator, Lifetime::creator);
    const auto& [attached_to, attachment] = *creator.attachments.begin();
    EXPECT_EQ(attached_to, &made);
    EXPECT_EQ(attachment.writers, 1U);
    EXPECT_EQ(attachment.readers, 0U);
    EXPECT_EQ(attachment.since_usec, 1000U);
    EXPECT_EQ(made.attached, std::set<Session*>{&creator});
}

TEST_F(ARegistry, CountsTheHandlesOfASessionAsOneAttachment) {
    Segment& made = segment(session(), Lifetime::creator);
    Session& other = session();
    attach(other, made, Access::read);
    attach(other, made, Access::read);
    attach(other, made, Access::write);
    EXPECT_EQ(made.attached.size(), 2U);
    EXPECT_EQ(other.attachments.at(&made).readers, 2U);
    EXPECT_EQ(other.attachments.at(&made).writers, 1U);
}

TEST_F(ARegistry, EndsAnAttachmentWithItsLastHandle) {
    Segment& made = segment(session(), Lifetime::creator);
    Session& other = session();
    attach(other, made, Access::read);
    attach(other, made, Access::write);
    EXPECT_TRUE(detach(other, made));
    EXPECT_EQ(made.attached.size(), 2U);
    EXPECT_TRUE(detach(other, made));
    EXPECT_EQ(made.attached.size(), 1U);
    EXPECT_FALSE(detach(other, made));
}

TEST_F(ARegistry, TakesBackTheHandleOfTheAccessThatIsNamed) {
    Segment& made = segment(session(), Lifetime::creator);
    Session& other = session();
    attach(other, made, Access::read);
    attach(other, made, Access::write);
    EXPECT_TRUE(detach(other, made, Access::read));
    EXPECT_FALSE(detach(other, made, Access::read));
    EXPECT_EQ(other.attachments.at(&made).writers, 1U);
}

TEST_F(ARegistry, TakesBackNothingFromASessionThatHasNothing) {
    Segment& made = segment(session(), Lifetime::attached);
    EXPECT_FALSE(detach(session(), made));
    EXPECT_TRUE(can_be_found(made.is.id));
}

// Changes.

TEST_F(ARegistry, ChangesWhoMayUseASegment) {
    Session& creator = session();
    Segment& made = segment(creator, Lifetime::creator);
    EXPECT_TRUE(registry_.change(made, {.gid = 8, .mode = 0640}));
    EXPECT_EQ(made.is.rights.gid, 8U);
    EXPECT_EQ(made.is.rights.mode, 0640U);
    EXPECT_EQ(made.is.lifetime, Lifetime::creator);
}

TEST_F(ARegistry, ChangesALifetimeBackAndForth) {
    Session& creator = session();
    Segment& made = segment(creator, Lifetime::creator);
    const auto id = made.is.id;
    EXPECT_TRUE(registry_.change(made, {.lifetime = Lifetime::persistent}));
    EXPECT_TRUE(creator.creations.empty());
    EXPECT_TRUE(registry_.change(made, {.lifetime = Lifetime::creator}));
    end(creator);
    EXPECT_TRUE(is_gone(id));
}

TEST_F(ARegistry, ChangesNothingIfACreatorIsAskedForThatHasEnded) {
    Session& creator = session();
    Segment& made = segment(creator, Lifetime::persistent);
    end(creator);
    EXPECT_FALSE(registry_.change(made, {.lifetime = Lifetime::creator, .mode = 0}));
    EXPECT_EQ(made.is.lifetime, Lifetime::persistent);
    EXPECT_EQ(made.is.rights.mode, 0600U);
}

TEST_F(ARegistry, EndsWhatIsToEndWithItsLastAttachmentAndHasNone) {
    Session& creator = session();
    Segment& made = segment(creator, Lifetime::persistent);
    const auto id = made.is.id;
    detach(creator, made);
    EXPECT_TRUE(registry_.change(made, {.lifetime = Lifetime::attached}));
    EXPECT_TRUE(is_gone(id));
}

// Charges.

TEST_F(ARegistry, HoldsTheChargesOfWhatThereIs) {
    Session& creator = session();
    attach(session(), segment(creator, Lifetime::creator));
    EXPECT_EQ(quota_.total(), (Amounts{2, 1, 4096, 2, 1}));
}

TEST_F(ARegistry, GivesTheChargeOfAnAttachmentBackWithItsLastHandle) {
    Segment& made = segment(session(), Lifetime::creator);
    Session& other = session();
    attach(other, made);
    attach(other, made);
    detach(other, made);
    EXPECT_EQ(quota_.total(), (Amounts{2, 1, 4096, 2, 1}));
    detach(other, made);
    EXPECT_EQ(quota_.total(), (Amounts{2, 1, 4096, 1, 1}));
}

TEST_F(ARegistry, GivesTheChargeOfMemoryBackWhenTheMemoryIsFree) {
    Session& creator = session();
    Session& other = session();
    attach(other, segment(creator, Lifetime::creator));
    end(creator);
    EXPECT_EQ(quota_.total(), (Amounts{1, 1, 4096, 1}));
    end(other);
    EXPECT_EQ(quota_.total(), Amounts{});
}

TEST_F(ARegistry, ChargesAPersistentSegmentWithoutASession) {
    Session& creator = session();
    Segment& made = segment(creator, Lifetime::persistent);
    end(creator);
    EXPECT_EQ(quota_.total(), (Amounts{0, 1, 4096, 0, 1}));
    registry_.end(made);
    EXPECT_EQ(quota_.total(), Amounts{});
}

// Who pays for what has ended.

TEST_F(ARegistry, PassesTheChargesOfWhatHasEndedToAUserWhoKeepsIt) {
    Session& owner = session_of(7);
    Session& keeper = session_of(8);
    Session& other = session_of(9);
    Segment& made = segment(owner, Lifetime::creator);
    made.is.rights.uid = 7;
    made.charge = charge_of(7, {{Resource::segments, 1}, {Resource::bytes, 4096}});
    attach(keeper, made);
    end(owner);
    EXPECT_EQ(quota_.used_by(7)[static_cast<std::size_t>(Resource::bytes)], 0U);
    EXPECT_EQ(kept_by(8), 4096U);
    attach(other, made);
    end(keeper);
    EXPECT_EQ(kept_by(8), 0U);
    EXPECT_EQ(kept_by(9), 4096U) << "the next one has it at its expense";
    end(other);
    EXPECT_EQ(kept_by(9), 0U);
}

TEST_F(ARegistry, LeavesTheChargesWithAnOwnerWhoHasItAttached) {
    Session& owner = session_of(7);
    Session& keeper = session_of(8);
    Segment& made = segment(owner, Lifetime::persistent);
    made.is.rights.uid = 7;
    made.charge = charge_of(7, {{Resource::segments, 1}, {Resource::bytes, 4096}});
    attach(keeper, made);
    registry_.end(made);
    EXPECT_EQ(kept_by(8), 0U);
    EXPECT_EQ(quota_.used_by(7)[static_cast<std::size_t>(Resource::bytes)], 4096U);
    registry_.detach(owner, made, {});
    EXPECT_EQ(kept_by(8), 4096U);
}

// What a session leaves, and what is told of it.

TEST_F(ARegistry, SaysWhatAnEndedSessionLeavesOfSegmentsThatAreStillThere) {
    Session& creator = session();
    Session& other = session();
    Segment& kept = segment(creator, Lifetime::persistent);
    Segment& ended = segment(other, Lifetime::creator, no_name);
    attach(creator, ended);
    attach(other, kept, Access::read);
    other.attachments.at(&kept).waits = true;
    const auto left = end(other);
    ASSERT_EQ(left.size(), 2U);
    for (const Registry::Left& one : left) {
        EXPECT_EQ(one.written, one.segment == &ended);
        EXPECT_EQ(one.waited, one.segment == &kept);
    }
}

TEST_F(ARegistry, SaysNothingOfSegmentsThatAreGoneWithTheirSession) {
    Session& creator = session();
    segment(creator, Lifetime::creator);
    segment(creator, Lifetime::attached, no_name);
    EXPECT_TRUE(end(creator).empty());
}

TEST_F(ARegistry, SaysWhenASessionCanWriteNoMore) {
    Session& creator = session();
    Session& other = session();
    Segment& made = segment(creator, Lifetime::persistent);
    attach(other, made, Access::read);
    attach(other, made, Access::write);
    attach(other, made, Access::write);
    EXPECT_FALSE(registry_.detach(other, made, Access::write)->written);
    EXPECT_TRUE(registry_.detach(other, made, Access::write)->written);
    EXPECT_FALSE(registry_.detach(other, made, {})->written);
}

class Chronicle final : public Observer {
  public:
    void happened(proto::EventKind kind, const Segment& segment, const Session* by) override {
        lines.push_back(std::string(proto::NamesOf<proto::EventKind>::names[static_cast<std::size_t>(kind)]) +
                        (segment.is.name ? " " + segment.is.name->text() : "") +
                        (by != nullptr ? " by " + std::to_string(by->holder) : ""));
    }
    std::vector<std::string> lines;
};

TEST_F(ARegistry, TellsWhatHappensInItsOrder) {
    Chronicle chronicle;
    registry_.tell(chronicle);
    Session& creator = session();
    Session& other = session();
    Segment& made = segment(creator, Lifetime::creator, no_name);
    registry_.publish(made, *named("num"), {}, &creator);
    attach(other, made);
    end(creator);
    end(other);
    EXPECT_EQ(chronicle.lines, (std::vector<std::string>{
                                   "created by 1", "attached by 1", "published num by 1", "attached num by 2",
                                   "ended num by 1", "detached num by 1", "detached num by 2"}));
}

} // namespace
} // namespace memshare::daemon
