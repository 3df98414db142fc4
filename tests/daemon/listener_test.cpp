// Where the daemon listens: its folder, its socket, and the lock while both are made.
#include "daemon/listener.h"

#include "daemon/start_lock.h"
#include "tests/support/kernel.h"
#include "tests/support/patience.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <optional>

namespace memshare::daemon {
namespace {

using proto::Fd;
using std::filesystem::exists;

mode_t mode_of(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(lstat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777;
}

TEST(ASocketFile, AndItsFolderAreOpenAsAskedWhateverTheMaskIs) {
    const test::Folder folder;
    const mode_t before = umask(0077);
    const auto file = SocketFile::listen(folder / "made/socket", 0755);
    umask(before);
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(mode_of(folder / "made"), 0755U);
    EXPECT_EQ(mode_of(folder / "made/socket"), 0666U);
    EXPECT_FALSE(exists(folder / "made/socket.lock"));
}

TEST(ASocketFile, LeavesAFolderThatWasThereAsItIs) {
    const test::Folder folder;
    std::filesystem::create_directory(folder / "mine");
    ASSERT_EQ(chmod((folder / "mine").c_str(), 0711), 0);
    const auto file = SocketFile::listen(folder / "mine/socket", 0755);
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(mode_of(folder / "mine"), 0711U);
}

TEST(ASocketFile, IsMadeThoughAStrangerHasLockedItsFolder) {
    const test::Folder folder;
    const Fd strangers = Fd::adopt(open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(flock(strangers.number(), LOCK_SH), 0);
    EXPECT_TRUE(SocketFile::listen(folder / "socket", 0755));
}

TEST(AStartLock, IsPassedOnToOneThatWaitsAndLeavesNoFile) {
    const test::Folder folder;
    auto first = StartLock::take(folder / "socket");
    ASSERT_TRUE(first) << first.error().sentence();
    EXPECT_EQ(mode_of(folder / "socket.lock"), 0600U);
    auto second =
        std::async(std::launch::async, [&] { return StartLock::take(folder / "socket").has_value(); });
    EXPECT_EQ(second.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
    {
        const StartLock given_back = *std::move(first);
    }
    EXPECT_TRUE(second.get());
    EXPECT_FALSE(exists(folder / "socket.lock"));
}

TEST(AStartLock, ThatIsNotGivenBackIsNotWaitedForForEver) {
    const test::Folder folder;
    const auto first = StartLock::take(folder / "socket");
    ASSERT_TRUE(first);
    const auto second = StartLock::take(folder / "socket");
    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().sentence().contains(folder / "socket.lock")) << second.error().sentence();
}

TEST(AStartLock, IsTakenOnNoFileThatOthersCanOpen) {
    const test::Folder folder;
    const Fd open_to_all =
        Fd::adopt(open((folder / "socket.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(fchmod(open_to_all.number(), 0644), 0);
    EXPECT_FALSE(StartLock::take(folder / "socket"));
    ASSERT_EQ(unlink((folder / "socket.lock").c_str()), 0);
    ASSERT_EQ(symlink((folder / "elsewhere").c_str(), (folder / "socket.lock").c_str()), 0);
    EXPECT_FALSE(StartLock::take(folder / "socket"));
    EXPECT_FALSE(exists(folder / "elsewhere"));
}

TEST(AStartLock, IsTakenWhereAKilledBrokerLeftItsFile) {
    const test::Folder folder;
    Fd::adopt(open((folder / "socket.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)).close();
    EXPECT_TRUE(StartLock::take(folder / "socket"));
}

} // namespace
} // namespace memshare::daemon
