#include "daemon/quota.h"

#include <gtest/gtest.h>

namespace memshare::daemon {
namespace {

constexpr std::uint32_t anne = 1000;
constexpr std::uint32_t bob = 1001;

class AQuota : public testing::Test {
  protected:
    // What is wrong with a charge, "bytes: 10 allowed, 8 used, 3 requested"; ""
    // if it was kept.
    std::string charge(std::uint32_t uid, Resource resource, std::uint64_t amount) {
        auto made = quota_.charge(uid, resource, amount);
        if (made) {
            kept_.push_back(*std::move(made));
            return "";
        }
        const auto& no = std::get<proto::QuotaExceeded>(made.error());
        return no.limit + ": " + std::to_string(no.allowed) + " allowed, " + std::to_string(no.used) +
               " used, " + std::to_string(no.requested) + " requested";
    }
    std::string bytes(std::uint32_t uid, std::uint64_t amount) {
        return charge(uid, Resource::bytes, amount);
    }

    std::uint64_t total(Resource resource) const {
        return quota_.total()[static_cast<std::size_t>(resource)];
    }

    // In the order of Resource.
    Quota quota_{{.per_user = {2, 3, 10, 5, 4, 6, 7, 5, 8, 9, 3, 9, 9},
                  .total = {3, 5, 15, 8, 6, 9, 10, 8, 12, 13, 4, 12, 13}}};
    std::vector<Charge> kept_;
};

TEST_F(AQuota, AllowsItsLimitAndNotOneMore) {
    EXPECT_EQ(bytes(anne, 10), "");
    EXPECT_EQ(bytes(anne, 1), "bytes: 10 allowed, 10 used, 1 requested");
}

TEST_F(AQuota, RefusesMoreThanItsLimitAtOnce) {
    EXPECT_EQ(bytes(anne, 11), "bytes: 10 allowed, 0 used, 11 requested");
    EXPECT_EQ(total(Resource::bytes), 0U);
}

TEST_F(AQuota, DoesNotOverflow) {
    EXPECT_EQ(bytes(anne, 1), "");
    EXPECT_EQ(bytes(anne, UINT64_MAX), "bytes: 10 allowed, 1 used, 18446744073709551615 requested");
    EXPECT_EQ(bytes(anne, UINT64_MAX - 1), "bytes: 10 allowed, 1 used, 18446744073709551614 requested");
    EXPECT_EQ(total(Resource::bytes), 1U);
}

TEST_F(AQuota, WithoutLimitsDoesNotOverflowEither) {
    const Amounts none{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    Quota boundless({.per_user = none, .total = none});
    const auto all = boundless.charge(anne, Resource::bytes, UINT64_MAX);
    EXPECT_TRUE(all);
    EXPECT_FALSE(boundless.charge(anne, Resource::bytes, 1));
    EXPECT_FALSE(boundless.charge(bob, Resource::bytes, 1));
}

TEST_F(AQuota, IsEachUsersOwn) {
    EXPECT_EQ(bytes(anne, 10), "");
    EXPECT_EQ(bytes(bob, 5), "");
}

TEST_F(AQuota, HasALimitForAllTogether) {
    EXPECT_EQ(bytes(anne, 10), "");
    EXPECT_EQ(bytes(bob, 6), "totalBytes: 15 allowed, 10 used, 6 requested");
    EXPECT_EQ(bytes(bob, 5), "");
}

TEST_F(AQuota, NamesTheUsersLimitFirst) {
    EXPECT_EQ(bytes(anne, 10), "");
    EXPECT_EQ(bytes(bob, 11), "bytes: 10 allowed, 0 used, 11 requested");
}

TEST_F(AQuota, CountsEachResourceForItself) {
    EXPECT_EQ(bytes(anne, 10), "");
    EXPECT_EQ(charge(anne, Resource::sessions, 2), "");
    EXPECT_EQ(charge(anne, Resource::segments, 3), "");
    EXPECT_EQ(charge(anne, Resource::attachments, 5), "");
    EXPECT_EQ(quota_.total(), (Amounts{2, 3, 10, 5}));
}

TEST_F(AQuota, NamesEachResource) {
    constexpr std::array<std::string_view, resources> names{
        "sessions",     "segments",    "bytes",      "attachments",      "names",
        "streams",      "unreadBytes", "callBytes",  "descriptionBytes", "initialBytes",
        "keptSegments", "keptBytes",   "descriptors"};
    for (std::size_t at = 0; at < resources; ++at) {
        const auto resource = static_cast<Resource>(at);
        const std::uint64_t allowed = quota_.limits().per_user[at];
        const std::string name(names[at]);
        EXPECT_EQ(name_of(resource), name);
        EXPECT_TRUE(charge(anne, resource, allowed + 1).starts_with(name + ": "));
        EXPECT_EQ(charge(anne, resource, allowed), "");
        std::string in_all = "total" + name;
        in_all[5] = static_cast<char>(std::toupper(in_all[5]));
        EXPECT_TRUE(charge(bob, resource, allowed).starts_with(in_all + ": "));
    }
}

// Of 1024 an eighth stays for users who have little, and a sixteenth for root.
class AShare : public testing::Test {
  protected:
    static Limits limits() {
        Limits limits;
        limits.per_user[at] = 1024;
        limits.total[at] = 1024;
        return limits;
    }
    // How many of the one resource a user gets, one by one.
    std::uint64_t exhaust(std::uint32_t uid) {
        std::uint64_t had = 0;
        for (auto one = quota_.charge(uid, resource, 1); one; one = quota_.charge(uid, resource, 1)) {
            kept_.push_back(*std::move(one));
            ++had;
        }
        return had;
    }

    static constexpr auto resource = Resource::segments;
    static constexpr auto at = static_cast<std::size_t>(resource);
    Quota quota_{limits()};
    std::vector<Charge> kept_;
};

TEST_F(AShare, OfTheTotalStaysForUsersWhoHaveLittle) {
    EXPECT_EQ(exhaust(anne), 1024 - 1024 / proto::limits::share_of_others);
    EXPECT_EQ(exhaust(bob), proto::limits::least_use);
    EXPECT_EQ(exhaust(bob + 1), proto::limits::least_use);
}

TEST_F(AShare, OfTheTotalStaysForRoot) {
    for (std::uint32_t uid = 1; uid < 1000; ++uid) {
        exhaust(uid);
    }
    EXPECT_EQ(quota_.total()[at], 1024 - 1024 / (2 * proto::limits::share_of_others));
    EXPECT_EQ(exhaust(0), 1024 / (2 * proto::limits::share_of_others));
}

TEST_F(AShare, IsWhatTheRefusalTells) {
    exhaust(anne);
    const auto refused = quota_.charge(anne, resource, 1);
    ASSERT_FALSE(refused);
    const auto& why = std::get<proto::QuotaExceeded>(refused.error());
    EXPECT_EQ(why.limit, "totalSegments");
    EXPECT_EQ(why.allowed, 896U);
}

TEST_F(AShare, OfLessThanSixtyFourIsNone) {
    Limits few = limits();
    few.total[at] = proto::limits::least_shared - 1;
    quota_.set_limits(few);
    EXPECT_EQ(exhaust(anne), proto::limits::least_shared - 1);
}

TEST_F(AShare, OfALittleUseGrowsWithTheTotal) {
    Limits many = limits();
    many.per_user[at] = 100;
    many.total[at] = 8 * proto::limits::little_use;
    quota_.set_limits(many);
    const Charge all = quota_.charge_anyway(anne, {{resource, 7 * proto::limits::little_use}});
    EXPECT_EQ(exhaust(bob), 8U) << "a thousandth of the total";
}

class TheDescriptors : public testing::Test {
  protected:
    static Limits limits(std::uint64_t can_be_open) {
        Limits limits;
        limits.fit_descriptors(can_be_open);
        return limits;
    }
    static constexpr std::uint64_t open = 20'000;
    static constexpr std::uint64_t all = open - proto::limits::descriptors_kept;
    Quota quota_{limits(open)};
};

TEST_F(TheDescriptors, OfSessionsAreNotTakenBySegments) {
    const std::uint64_t most = quota_.limits().per_user[static_cast<std::size_t>(Resource::descriptors)];
    EXPECT_GE(most, 18'000U);
    const auto segments = quota_.charge(anne, Resource::descriptors, most);
    ASSERT_TRUE(segments);
    EXPECT_FALSE(quota_.charge(anne, Resource::descriptors, 1));
    std::vector<Charge> sessions;
    for (int number = 0; number < 100; ++number) {
        auto session = quota_.charge(anne, {{Resource::descriptors, 2, true}});
        ASSERT_TRUE(session) << "the same user's session " << number;
        sessions.push_back(*std::move(session));
    }
    EXPECT_TRUE(quota_.charge(bob, {{Resource::descriptors, 2, true}}));
    EXPECT_TRUE(quota_.charge(bob, Resource::descriptors, 1));
}

TEST_F(TheDescriptors, OfSessionsStayForRootToo) {
    const Charge segments =
        quota_.charge_anyway(anne, {{Resource::descriptors, all - proto::limits::descriptors_for_sessions}});
    std::vector<Charge> sessions;
    for (std::uint32_t uid = 1; uid < 1000; ++uid) {
        if (auto session = quota_.charge(uid, {{Resource::descriptors, 2, true}})) {
            sessions.push_back(*std::move(session));
        }
    }
    EXPECT_TRUE(quota_.charge(0, {{Resource::descriptors, 2, true}}));
}

TEST_F(AQuota, OfSeveralResourcesIsTakenWhole) {
    const auto charge = quota_.charge(anne, {{Resource::segments, 1}, {Resource::bytes, 10}});
    ASSERT_TRUE(charge);
    EXPECT_EQ(quota_.total(), (Amounts{0, 1, 10, 0}));
}

TEST_F(AQuota, OfSeveralResourcesIsRefusedWhole) {
    EXPECT_FALSE(quota_.charge(anne, {{Resource::segments, 3}, {Resource::bytes, 11}}));
    EXPECT_EQ(quota_.total(), Amounts{});
    EXPECT_TRUE(quota_.charge(anne, {{Resource::segments, 3}, {Resource::bytes, 10}}));
}

TEST_F(AQuota, TellsWhatEachUserUses) {
    EXPECT_EQ(bytes(anne, 4), "");
    EXPECT_EQ(charge(bob, Resource::names, 2), "");
    EXPECT_EQ(quota_.used_by(anne), (Amounts{0, 0, 4}));
    EXPECT_EQ(quota_.used_by(bob), (Amounts{0, 0, 0, 0, 2}));
    EXPECT_EQ(quota_.used_by(0), Amounts{});
    EXPECT_EQ(quota_.users().size(), 2U);
    kept_.clear();
    EXPECT_TRUE(quota_.users().empty());
}

TEST_F(AQuota, IsGivenBackAtTheEndOfACharge) {
    EXPECT_EQ(bytes(anne, 10), "");
    kept_.clear();
    EXPECT_EQ(total(Resource::bytes), 0U);
    EXPECT_EQ(bytes(anne, 10), "");
}

TEST_F(AQuota, IsGivenBackInParts) {
    EXPECT_EQ(bytes(anne, 4), "");
    EXPECT_EQ(bytes(anne, 6), "");
    kept_.erase(kept_.begin());
    EXPECT_EQ(bytes(anne, 5), "bytes: 10 allowed, 6 used, 5 requested");
    EXPECT_EQ(bytes(anne, 4), "");
}

TEST_F(AQuota, IsGivenBackByAChargeThatIsAssigned) {
    auto charge = quota_.charge(anne, Resource::bytes, 7);
    ASSERT_TRUE(charge);
    *charge = Charge();
    EXPECT_EQ(total(Resource::bytes), 0U);
}

TEST_F(AQuota, IsPassedOnToAnotherUserWhoKeepsIt) {
    auto charge =
        quota_.charge(anne, {{Resource::segments, 1}, {Resource::bytes, 7}, {Resource::descriptors, 1}});
    ASSERT_TRUE(charge);
    charge->pass_to(bob, true);
    EXPECT_EQ(quota_.used_by(anne), Amounts{});
    EXPECT_EQ(quota_.used_by(bob), (Amounts{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7, 0}))
        << "apart from what bob has made";
    EXPECT_EQ(quota_.total(), (Amounts{0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
    charge->pass_to(anne, false);
    EXPECT_EQ(quota_.used_by(anne), (Amounts{0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
    EXPECT_EQ(quota_.users().size(), 1U);
    charge->pass_to(bob, true);
    *charge = Charge();
    EXPECT_EQ(quota_.total(), Amounts{});
    EXPECT_TRUE(quota_.users().empty());
}

TEST_F(AQuota, SaysWhenAUserKeepsTooMuchOfOthers) {
    EXPECT_FALSE(quota_.keeps_too_much(bob, 5));
    auto charge = quota_.charge(anne, Resource::bytes, 9);
    charge->pass_to(bob, true);
    const auto refusal = quota_.keeps_too_much(bob, 5);
    ASSERT_TRUE(refusal);
    EXPECT_EQ(std::get<proto::QuotaExceeded>(*refusal).limit, "keptBytes");
    EXPECT_EQ(bytes(bob, 6), "") << "of bob's own there may be as much as before";
    charge->pass_to(anne, false);
    EXPECT_FALSE(quota_.keeps_too_much(bob, 5));
}

TEST_F(AQuota, DoesNotTellAStrangerOfTheOwnersLimit) {
    EXPECT_EQ(charge(anne, Resource::names, 4), "");
    EXPECT_TRUE(quota_.charge_for_another(anne, bob, Resource::names, 1)) << "beyond anne's own limit";
    const auto refused = quota_.charge_for_another(anne, bob, Resource::names, 3);
    ASSERT_FALSE(refused);
    EXPECT_EQ(std::get<proto::QuotaExceeded>(refused.error()).limit, "totalNames");
}

TEST_F(AQuota, IsKeptByAChargeThatIsMovedToItself) {
    auto charge = quota_.charge(anne, Resource::bytes, 7);
    Charge& itself = *charge;
    *charge = std::move(itself);
    EXPECT_EQ(total(Resource::bytes), 7U);
}

TEST_F(AQuota, IsGivenBackOnceByAChargeThatIsMoved) {
    {
        auto charge = quota_.charge(anne, Resource::bytes, 7);
        const Charge taker = *std::move(charge);
        charge = Charge();
        EXPECT_EQ(total(Resource::bytes), 7U);
    }
    EXPECT_EQ(total(Resource::bytes), 0U);
}

} // namespace
} // namespace memshare::daemon
