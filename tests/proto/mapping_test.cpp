#include "proto/mapping.h"

#include "tests/proto/descriptors.h"

#include <gtest/gtest.h>

namespace memshare::proto {
namespace {

using test::some_file;

constexpr std::size_t page = 4096;

Mapping map_a_page(Mapping::Access access = Mapping::Access::write) {
    return Mapping::map(some_file(page).number(), page, access).value_or(Mapping());
}

bool is_mapped(std::byte* address) { return msync(address, page, MS_ASYNC) == 0; }

TEST(AMapping, IsNothingAtFirst) {
    const Mapping mapping;
    EXPECT_FALSE(mapping);
    EXPECT_TRUE(mapping.bytes().empty());
}

TEST(AMapping, HasTheBytesOfTheFile) {
    const Fd file = some_file(page);
    ASSERT_EQ(pwrite(file.number(), "memshare", 8, 100), 8);
    const auto mapping = Mapping::map(file.number(), page, Mapping::Access::read);
    ASSERT_TRUE(mapping);
    EXPECT_EQ(mapping->bytes().size(), page);
    EXPECT_EQ(mapping->bytes()[100], std::byte{'m'});
}

TEST(AMapping, IsSharedWithOthersOfTheFile) {
    const Fd file = some_file(page);
    const auto writer = Mapping::map(file.number(), page, Mapping::Access::write);
    const auto reader = Mapping::map(file.number(), page, Mapping::Access::read);
    ASSERT_TRUE(writer && reader);
    writer->bytes()[7] = std::byte{42};
    EXPECT_EQ(reader->bytes()[7], std::byte{42});
}

TEST(AMapping, StaysWhenTheDescriptorIsClosed) {
    const Mapping mapping = map_a_page();
    ASSERT_TRUE(mapping);
    mapping.bytes()[0] = std::byte{1};
    EXPECT_EQ(mapping.bytes()[0], std::byte{1});
}

TEST(AMapping, ToReadOfAReadOnlyDescriptorCannotBeMadeWritable) {
    const Fd file = some_file(page);
    const std::string path = "/proc/self/fd/" + std::to_string(file.number());
    const Fd read_only = Fd::adopt(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const auto mapping = Mapping::map(read_only.number(), page, Mapping::Access::read);
    ASSERT_TRUE(mapping);
    EXPECT_NE(mprotect(mapping->bytes().data(), page, PROT_READ | PROT_WRITE), 0);
}

TEST(AMapping, ToWriteThroughAReadOnlyDescriptorIsAnError) {
    const Fd file = some_file(page);
    const std::string path = "/proc/self/fd/" + std::to_string(file.number());
    const Fd read_only = Fd::adopt(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const auto mapping = Mapping::map(read_only.number(), page, Mapping::Access::write);
    ASSERT_FALSE(mapping);
    EXPECT_EQ(mapping.error().code, std::errc::permission_denied);
}

TEST(AMapping, OfNoBytesIsAnError) {
    EXPECT_FALSE(Mapping::map(some_file(page).number(), 0, Mapping::Access::read));
}

TEST(AMapping, UnmapsAtItsEnd) {
    std::byte* start = nullptr;
    {
        const Mapping mapping = map_a_page();
        start = mapping.bytes().data();
        ASSERT_TRUE(is_mapped(start));
    }
    EXPECT_FALSE(is_mapped(start));
}

TEST(AMapping, ThatIsAssignedUnmapsWhatItHeld) {
    Mapping mapping = map_a_page();
    std::byte* before = mapping.bytes().data();
    Mapping other = map_a_page();
    std::byte* after = other.bytes().data();
    mapping = std::move(other);
    EXPECT_FALSE(is_mapped(before));
    EXPECT_TRUE(is_mapped(after));
    EXPECT_EQ(mapping.bytes().data(), after);
}

TEST(AMapping, ThatIsMovedToItselfKeepsWhatItHolds) {
    Mapping mapping = map_a_page();
    std::byte* start = mapping.bytes().data();
    Mapping& itself = mapping;
    mapping = std::move(itself);
    EXPECT_EQ(mapping.bytes().data(), start);
    EXPECT_TRUE(is_mapped(start));
}

TEST(AMapping, ThatIsMovedFromIsNothing) {
    Mapping mapping = map_a_page();
    const Mapping taker = std::move(mapping);
    EXPECT_FALSE(mapping); // NOLINT(bugprone-use-after-move): that is the question
    EXPECT_TRUE(is_mapped(taker.bytes().data()));
}

} // namespace
} // namespace memshare::proto
