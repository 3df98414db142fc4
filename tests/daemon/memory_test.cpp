// What the kernel promises of a segment's memory, and what we make of it.
#include "daemon/memory.h"

#include "proto/limits.h"
#include "proto/mapping.h"
#include "tests/proto/descriptors.h"
#include "tests/support/kernel_setting.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

namespace memshare::daemon {
namespace {

using test::is_close_on_exec;
using test::open_fds;
using test::same_file;

Memory make(std::uint64_t size) { return *Memory::create(proto::SegmentId::random(), size); }

struct stat status_of(int fd) {
    struct stat status{};
    EXPECT_EQ(fstat(fd, &status), 0);
    return status;
}

std::string own_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

std::string content(const Memory& memory, std::size_t size, off_t offset = 0) {
    std::string bytes(size, '?');
    EXPECT_EQ(pread(memory.writable(), bytes.data(), size, offset), static_cast<ssize_t>(size));
    return bytes;
}

// The error of an action that another user's process takes, which has inherited
// our descriptors; 0 for none.
template <typename Action> int error_of_another_user(Action action) {
    const pid_t child = fork();
    if (child == 0) {
        _exit(setgid(65534) != 0 || setuid(65534) != 0 ? 255 : action() < 0 ? errno : 0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

TEST(Memory, IsAsLargeAsWasAskedInWholePages) {
    EXPECT_EQ(make(1).size(), 4096U);
    EXPECT_EQ(make(4096).size(), 4096U);
    EXPECT_EQ(make(4097).size(), 8192U);
    EXPECT_EQ(status_of(make(4097).writable()).st_size, 8192);
}

// The lease's holder is told by a signal, and has 45 seconds (/proc/sys/fs/lease-break-time) to let go of it.
TEST(Memory, ThatSomebodyHasALeaseOfIsNotOpenedAnewAndNobodyWaits) {
    Memory memory = make(1);
    ASSERT_EQ(signal(SIGIO, SIG_IGN), SIG_DFL);
    const auto opened = proto::Fd::adopt(open(own_path(memory.writable()).c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(fcntl(opened.number(), F_SETLEASE, F_WRLCK), 0) << std::strerror(errno);
    const auto asked = std::chrono::steady_clock::now();
    const auto refused = memory.read_only();
    EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(5));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, std::errc::operation_would_block);
    ASSERT_EQ(fcntl(opened.number(), F_SETLEASE, F_UNLCK), 0);
    EXPECT_TRUE(memory.read_only());
    signal(SIGIO, SIG_DFL);
}

TEST(Memory, MayBeLargerThanTheMachines) {
    const Memory memory = make(proto::limits::segment_bytes);
    EXPECT_EQ(memory.size(), proto::limits::segment_bytes);
    EXPECT_EQ(status_of(memory.writable()).st_blocks,
              0); // and takes nothing as yet
}

TEST(Memory, IsZeroAtFirst) { EXPECT_EQ(content(make(4096), 4096), std::string(4096, '\0')); }

TEST(Memory, CannotBeResizedByAnybody) {
    const Memory memory = make(4096);
    EXPECT_EQ(ftruncate(memory.writable(), 0), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(ftruncate(memory.writable(), 8192), -1);
    EXPECT_EQ(errno, EPERM);
}

TEST(Memory, CannotBeSealedFurther) {
    const Memory memory = make(4096);
    EXPECT_EQ(fcntl(memory.writable(), F_ADD_SEALS, F_SEAL_WRITE), -1);
    EXPECT_EQ(errno, EPERM);
}

TEST(Memory, IsItsOwnersAlone) {
    EXPECT_EQ(status_of(make(4096).writable()).st_mode & ALLPERMS, S_IRUSR | S_IWUSR);
}

TEST(Memory, IsItsOwnersAloneWhateverTheUmask) {
    const mode_t before = umask(0777);
    const Memory memory = make(4096);
    umask(before);
    EXPECT_EQ(status_of(memory.writable()).st_mode & ALLPERMS, S_IRUSR | S_IWUSR);
}

TEST(Memory, IsCloseOnExec) {
    Memory memory = make(4096);
    EXPECT_TRUE(is_close_on_exec(memory.writable()));
    EXPECT_TRUE(is_close_on_exec(*memory.read_only()));
}

TEST(Memory, BearsTheIdOfItsSegment) {
    const auto id = proto::SegmentId::random();
    const auto memory = Memory::create(id, 4096);
    ASSERT_TRUE(memory);
    EXPECT_EQ(std::filesystem::read_symlink(own_path(memory->writable())),
              "/memfd:memshare:" + id.text() + " (deleted)");
}

TEST(Memory, TakesItsInitialContentsWhereTheyBelong) {
    Memory memory = make(8192);
    ASSERT_TRUE(memory.write(std::as_bytes(std::span("abc", 3)), 4095));
    EXPECT_EQ(content(memory, 5, 4094), std::string("\0abc\0", 5));
}

TEST(Memory, TakesNoContentsBehindItsEnd) {
    Memory memory = make(4096);
    EXPECT_FALSE(memory.write(std::as_bytes(std::span("abc", 3)), 4096));
    EXPECT_EQ(memory.size(), 4096U);
}

TEST(Memory, IsTheSameThroughAReadOnlyDescriptor) {
    Memory memory = make(4096);
    const auto reader = memory.read_only();
    ASSERT_TRUE(reader);
    EXPECT_NE(*reader, memory.writable());
    EXPECT_TRUE(same_file(*reader, memory.writable()));
}

TEST(Memory, HasOneReadOnlyDescriptorForAll) {
    Memory memory = make(4096);
    const int first = *memory.read_only();
    EXPECT_EQ(*memory.read_only(), first);
}

TEST(Memory, CannotBeWrittenThroughAReadOnlyDescriptor) {
    Memory memory = make(4096);
    const auto reader = memory.read_only();
    EXPECT_EQ(pwrite(*reader, "x", 1, 0), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(proto::Mapping::map(*reader, 4096, proto::Mapping::Access::write).error().code,
              std::errc::permission_denied);
    EXPECT_TRUE(proto::Mapping::map(*reader, 4096, proto::Mapping::Access::read));
}

TEST(Memory, CannotBeReopenedForWritingByAnotherUser) {
    if (geteuid() != 0) {
        GTEST_SKIP() << "becoming another user takes root";
    }
    Memory memory = make(4096);
    const auto reader = memory.read_only();
    const std::string path = own_path(*reader);
    EXPECT_EQ(error_of_another_user([&] { return open(path.c_str(), O_RDWR | O_CLOEXEC); }), EACCES);
    EXPECT_EQ(error_of_another_user([&] { return fchmod(*reader, 0666); }), EPERM);
}

TEST(Memory, OfASizeThatNoFileHasIsAnError) {
    const std::size_t before = open_fds();
    EXPECT_FALSE(Memory::create(proto::SegmentId::random(), std::uint64_t{1} << 63));
    EXPECT_EQ(open_fds(), before);
}

constexpr std::uint64_t huge = std::uint64_t{1} << 21;

Memory pooled(std::uint64_t size, Seals seals = Seals::all) {
    return *Memory::create(proto::SegmentId::random(), size, seals, proto::HugePages::size_2m);
}

class MemoryOfThePool : protected test::WithPool, public testing::Test {};

TEST_F(MemoryOfThePool, IsAWholeNumberOfItsPages) {
    NEEDS_FREE_PAGES_OF_2M(2);
    const Memory memory = pooled(huge + 1);
    EXPECT_EQ(memory.pages(), proto::HugePages::size_2m);
    EXPECT_EQ(memory.size(), 2 * huge);
    EXPECT_EQ(status_of(memory.writable()).st_blksize, static_cast<blksize_t>(huge));
}

TEST_F(MemoryOfThePool, IsReservedUntilItIsGone) {
    NEEDS_FREE_PAGES_OF_2M(2);
    {
        const Memory memory = pooled(2 * huge);
        EXPECT_EQ(test::KernelSetting::available_pages_of_2m(), 0U);
        EXPECT_EQ(status_of(memory.writable()).st_blocks, 0); // and no page is taken as yet
    }
    EXPECT_EQ(test::KernelSetting::available_pages_of_2m(), 2U);
}

TEST_F(MemoryOfThePool, IsOrdinaryWhereThePoolHasTooLittle) {
    NEEDS_FREE_PAGES_OF_2M(1);
    const std::size_t before = open_fds();
    const Memory memory = pooled(huge + 1);
    EXPECT_EQ(memory.pages(), proto::HugePages::no);
    EXPECT_EQ(memory.size(), huge + 4096);
    EXPECT_EQ(open_fds(), before + 1);
    EXPECT_EQ(test::KernelSetting::available_pages_of_2m(), 1U);
}

TEST_F(MemoryOfThePool, IsAsSafeAsAnyOther) {
    NEEDS_FREE_PAGES_OF_2M(1);
    Memory memory = pooled(1);
    EXPECT_EQ(status_of(memory.writable()).st_mode & ALLPERMS, S_IRUSR | S_IWUSR);
    EXPECT_EQ(ftruncate(memory.writable(), 0), -1);
    EXPECT_EQ(fcntl(memory.writable(), F_ADD_SEALS, F_SEAL_WRITE), -1);
    EXPECT_EQ(proto::Mapping::map(*memory.read_only(), huge, proto::Mapping::Access::write).error().code,
              std::errc::permission_denied);
}

TEST_F(MemoryOfThePool, CanBeFrozen) {
    NEEDS_FREE_PAGES_OF_2M(1);
    const Memory memory = pooled(1, Seals::freezable);
    EXPECT_EQ(fcntl(memory.writable(), F_ADD_SEALS, F_SEAL_WRITE), 0);
    EXPECT_TRUE(memory.is_frozen());
    EXPECT_FALSE(memory.map_header(proto::Mapping::Access::write));
    EXPECT_TRUE(memory.map_header(proto::Mapping::Access::read));
}

TEST_F(MemoryOfThePool, CannotLosePagesOnceOthersCannotWrite) {
    NEEDS_FREE_PAGES_OF_2M(1);
    const Memory memory = pooled(1, Seals::exclusive_writer);
    EXPECT_EQ(fcntl(memory.writable(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
    EXPECT_TRUE(memory.is_closed_to_new_writers());
    EXPECT_EQ(
        fallocate(memory.writable(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(huge)),
        -1);
    EXPECT_EQ(errno, EPERM);
}

TEST_F(MemoryOfThePool, ShowsItsHeaderAndItsLockWord) {
    NEEDS_FREE_PAGES_OF_2M(1);
    const Memory memory = pooled(1);
    EXPECT_TRUE(memory.is_untouched());
    for (int round = 0; round < 3; ++round) {
        const auto mapping = memory.map_header(proto::Mapping::Access::write);
        ASSERT_TRUE(mapping);
        reinterpret_cast<abi::Header*>(mapping->bytes().data())->lock.word = 5;
    }
    EXPECT_FALSE(memory.is_untouched());
    EXPECT_EQ(memory.lock_word(), 5U);
}

TEST(Memory, OfTransparentPagesIsOrdinaryWhereTheKernelMakesNone) {
    const auto never = test::KernelSetting::set("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "never");
    if (!never) {
        GTEST_SKIP() << "whether the kernel makes huge pages cannot be changed here";
    }
    EXPECT_EQ(
        Memory::create(proto::SegmentId::random(), huge, Seals::all, proto::HugePages::transparent)->pages(),
        proto::HugePages::no);
}

TEST(Memory, OfTransparentPagesIsOrdinaryWhereItIsSmallerThanOne) {
    EXPECT_EQ(
        Memory::create(proto::SegmentId::random(), 4096, Seals::all, proto::HugePages::transparent)->pages(),
        proto::HugePages::no);
}

TEST(Memory, IsGivenBackWithItsDescriptor) {
    const std::size_t before = open_fds();
    {
        const Memory memory = make(4096);
        EXPECT_EQ(open_fds(), before + 1);
    }
    EXPECT_EQ(open_fds(), before);
}

} // namespace
} // namespace memshare::daemon
