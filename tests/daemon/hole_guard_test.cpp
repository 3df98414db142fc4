// A hole that cannot be filled, as the daemon meets it.
#include "daemon/hole_guard.h"

#include "daemon/memory.h"
#include "tests/proto/descriptors.h"
#include "tests/support/kernel_setting.h"

#include <gtest/gtest.h>

#include <sys/wait.h>

#include <csignal>
#include <tuple>

namespace memshare::daemon {
namespace {

using proto::Mapping;
using test::some_file;

constexpr std::size_t page = 4096;

// A mapping whose pages are gone, for good.
Mapping hole() {
    const auto file = some_file(page);
    auto mapping = *Mapping::map(file.number(), page, Mapping::Access::write);
    EXPECT_EQ(ftruncate(file.number(), 0), 0);
    return mapping;
}

TEST(AHole, IsZeroToWhoIsGuarded) {
    const Mapping mapping = hole();
    const HoleGuard guard(mapping.bytes());
    EXPECT_EQ(mapping.bytes()[0], std::byte{0});
    mapping.bytes()[1] = std::byte{7};
    EXPECT_EQ(mapping.bytes()[1], std::byte{7});
}

TEST(AHole, EndsWhoIsNotGuarded) {
    const Mapping mapping = hole();
    const pid_t child = fork();
    if (child == 0) {
        std::ignore = signal(SIGBUS, SIG_DFL); // not the sanitizers'
        const Mapping other = hole();
        const HoleGuard guard(other.bytes());
        const volatile std::byte* there = mapping.bytes().data();
        _exit(static_cast<int>(there[0]));
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGBUS);
}

class AHoleOfAnEmptyPool : protected test::WithPool, public testing::Test {};

TEST_F(AHoleOfAnEmptyPool, IsZeroToWhoIsGuarded) {
    NEEDS_FREE_PAGES_OF_2M(1);
    const auto memory =
        *Memory::create(proto::SegmentId::random(), page, Seals::all, proto::HugePages::size_2m);
    const auto mapping = *memory.map_header(Mapping::Access::write);
    const HoleGuard guard(mapping.bytes());
    mapping.bytes()[0] = std::byte{7};
    ASSERT_EQ(fallocate(memory.writable(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                        static_cast<off_t>(memory.size())),
              0);
    const auto thief =
        *Memory::create(proto::SegmentId::random(), page, Seals::all, proto::HugePages::size_2m);
    ASSERT_EQ(thief.pages(), proto::HugePages::size_2m);
    EXPECT_EQ(mapping.bytes()[0], std::byte{0});
}

} // namespace
} // namespace memshare::daemon
