// What the kernel promises of a segment's memory, and what we make of it.
#include "daemon/memory.h"

#include "proto/limits.h"
#include "proto/mapping.h"
#include "tests/proto/descriptors.h"

#include <gtest/gtest.h>

#include <sys/wait.h>

#include <cerrno>
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
