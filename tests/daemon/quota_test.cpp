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

    // Sessions, segments, bytes, attachments, names, streams, bytes unread, descriptors.
    Quota quota_{{.per_user = {2, 3, 10, 5, 4, 6, 7, 9}, .total = {3, 5, 15, 8, 6, 9, 10, 13}}};
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
        "sessions", "segments", "bytes", "attachments", "names", "streams", "unreadBytes", "descriptors"};
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
