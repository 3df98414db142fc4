// How much memory the daemon may use, as the kernel's files say it.
#include "daemon/memory_limit.h"

#include "tests/support/kernel.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace memshare::daemon {
namespace {

constexpr std::uint64_t MiB = 1024 * 1024;

class AMemoryLimit : public testing::Test {
  protected:
    void write(const std::string& path, const std::string& text) {
        const std::string whole = folder / path;
        std::filesystem::create_directories(std::filesystem::path(whole).parent_path());
        std::ofstream(whole) << text;
    }
    proto::Result<std::uint64_t> limit() { return usable_memory(folder / "cgroups", folder / "own"); }

    test::Folder folder;
};

TEST_F(AMemoryLimit, IsTheLeastOfTheCgroupAndThoseThatItLiesIn) {
    write("own", "0::/a/b\n");
    write("cgroups/a/b/memory.max", "max\n");
    write("cgroups/a/memory.max", std::to_string(50 * MiB) + "\n");
    EXPECT_EQ(limit(), 50 * MiB);
    write("cgroups/a/b/memory.max", std::to_string(20 * MiB) + "\n");
    EXPECT_EQ(limit(), 20 * MiB);
}

TEST_F(AMemoryLimit, IsThatOfTheFirstVersionToo) {
    write("own", "5:cpu:/x\n4:hugetlb,memory:/a\n0::/\n");
    write("cgroups/memory/a/memory.limit_in_bytes", std::to_string(30 * MiB) + "\n");
    EXPECT_EQ(limit(), 30 * MiB);
}

TEST_F(AMemoryLimit, WithoutOneIsTheMachinesMemory) {
    write("own", "0::/\n");
    ASSERT_TRUE(limit());
    EXPECT_EQ(*limit(), static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * 4096);
}

TEST_F(AMemoryLimit, OfAPathOfTheHostIsThatOfTheRoot) {
    write("own", "0::/not/here\n");
    write("cgroups/memory.max", std::to_string(40 * MiB) + "\n");
    EXPECT_EQ(limit(), 40 * MiB);
}

TEST_F(AMemoryLimit, ThatCannotBeReadIsAnErrorAndNotNone) {
    EXPECT_FALSE(limit()) << "there is no /proc";
    write("own", "0::/a\n");
    write("cgroups/a/memory.max", "a lot\n");
    EXPECT_FALSE(limit());
}

TEST_F(AMemoryLimit, InAFolderInsteadOfAFileIsAnErrorToo) {
    write("own", "0::/a\n");
    write("cgroups/a/memory.max/folder", "");
    EXPECT_FALSE(limit());
}

} // namespace
} // namespace memshare::daemon
