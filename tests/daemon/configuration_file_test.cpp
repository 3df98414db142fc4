#include "daemon/configuration_file.h"

#include "tests/support/kernel.h"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace memshare::daemon {
namespace {

class AConfigurationFile : public testing::Test {
  protected:
    std::expected<std::vector<Setting>, std::string> read(const std::string& text) {
        std::ofstream(path) << text;
        return read_configuration(path, Missing::is_wrong);
    }
    std::string what_is_wrong_with(const std::string& text) {
        const auto settings = read(text);
        return settings ? "nothing" : settings.error();
    }

    test::Folder folder;
    std::string path = folder / "conf";
};

TEST_F(AConfigurationFile, HasSettingsCommentsAndBlankLines) {
    const auto settings = read("# one\n\n; two\n  socket =  /a b \r\nlog-level=\"off\"\nempty =");
    ASSERT_TRUE(settings) << settings.error();
    ASSERT_EQ(settings->size(), 3U);
    EXPECT_EQ((*settings)[0].name, "socket");
    EXPECT_EQ((*settings)[0].value, "/a b");
    EXPECT_EQ((*settings)[0].line, 4U);
    EXPECT_EQ((*settings)[1].value, "off");
    EXPECT_EQ((*settings)[2].value, "");
}

TEST_F(AConfigurationFile, SaysInWhichLineItIsWrong) {
    EXPECT_EQ(what_is_wrong_with("a = 1\nnonsense here\n"),
              path + ":2: \"nonsense here\" is not NAME = VALUE");
    EXPECT_EQ(what_is_wrong_with("[limits]"), path + ":1: there are no sections: leave out [limits]");
    EXPECT_EQ(what_is_wrong_with("a = 1\n\na = 2\n"), path + ":3: a is set already, in line 1");
}

TEST_F(AConfigurationFile, MayBeMissingOnlyIfNobodyHasNamedIt) {
    EXPECT_TRUE(read_configuration(folder / "none", Missing::is_fine));
    EXPECT_TRUE(read_configuration(folder / "none/none", Missing::is_fine));
    EXPECT_EQ(read_configuration(folder / "none", Missing::is_wrong).error(),
              "cannot read the configuration " + (folder / "none") + ": No such file or directory");
}

TEST_F(AConfigurationFile, ThatCannotBeReadIsNeverAnEmptyOne) {
    EXPECT_FALSE(read_configuration(folder.path(), Missing::is_fine)) << "a folder";
    EXPECT_FALSE(read_configuration("/proc/self/mem", Missing::is_fine)) << "a file whose reading fails";
    EXPECT_FALSE(read_configuration("/dev/zero", Missing::is_fine)) << "a file without an end";
    std::string link = folder / "link";
    ASSERT_EQ(symlink(link.c_str(), link.c_str()), 0);
    EXPECT_FALSE(read_configuration(link, Missing::is_fine)) << "a link that leads nowhere";
}

TEST_F(AConfigurationFile, ThatIsAPipeIsNotWaitedFor) {
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    EXPECT_TRUE(read_configuration(path, Missing::is_fine)) << "nobody writes, so it is empty";
}

} // namespace
} // namespace memshare::daemon
