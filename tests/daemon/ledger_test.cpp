// Records that the next process finds: all of a round or nothing of it, wherever this one was killed.
#include "daemon/ledger.h"

#include "tests/support/chance.h"
#include "tests/support/child_process.h"
#include "tests/support/steps.h"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>

namespace memshare::daemon {
namespace {

using proto::Fd;
using test::ChildProcess;
using test::Steps;

constexpr std::size_t chunk = std::size_t{1} << 20;

using Texts = std::vector<std::string>;

// What a ledger says, of all kinds, ascending.
Texts texts_of(const std::vector<Ledger::Found>& all) {
    Texts texts;
    std::ranges::transform(all, std::back_inserter(texts), [](const auto& found) {
        return std::to_string(found.kind) + std::string(found.text);
    });
    std::ranges::sort(texts);
    return texts;
}

// What another process would find. (It changes what it opens, and so has a copy.)
Texts texts_in(int memory) {
    struct stat status{};
    fstat(memory, &status);
    Fd copy = Fd::adopt(memfd_create("copy", MFD_CLOEXEC));
    off_t from = 0;
    while (from < status.st_size && sendfile(copy.number(), memory, &from, chunk) > 0) {
    }
    auto opened = Ledger::open(std::move(copy));
    return texts_of(opened->take_all());
}

class ALedger : public testing::Test {
  protected:
    Record write(std::string_view text, std::uint32_t kind = 1) {
        Record record;
        ledger.write(record, kind, text);
        return record;
    }
    Texts found() const { return texts_in(ledger.descriptor()); }

    Ledger ledger = *Ledger::create();
};

TEST_F(ALedger, IsFoundAsItWasWhenItWasLastCommitted) {
    const Record one = write("one");
    const Record other = write("other", 2);
    EXPECT_EQ(found(), Texts{});
    ledger.commit();
    EXPECT_EQ(found(), (Texts{"1one", "2other"}));
    const Record more = write("more");
    EXPECT_EQ(found(), (Texts{"1one", "2other"}));
}

TEST_F(ALedger, HasOneTextOfARecordHoweverOftenItIsWritten) {
    Record record = write("old");
    ledger.commit();
    ledger.write(record, 1, "new");
    EXPECT_EQ(found(), Texts{"1old"});
    ledger.write(record, 1, "newer");
    ledger.commit();
    EXPECT_EQ(found(), Texts{"1newer"});
}

TEST_F(ALedger, ForgetsARecordThatIsNoMoreOnceThatIsCommitted) {
    {
        const Record record = write("gone");
        ledger.commit();
    }
    EXPECT_EQ(found(), Texts{"1gone"});
    ledger.commit();
    EXPECT_EQ(found(), Texts{});
}

TEST_F(ALedger, ForgetsWhatNobodyTakesUpWhenItIsOpened) {
    const Record one = write("one"), other = write("other");
    ledger.commit();
    Ledger next = *Ledger::open(*Fd::duplicate(ledger.descriptor()));
    auto all = next.take_all();
    ASSERT_EQ(all.size(), 2U);
    const Record taken = std::move(all[0].text == "one" ? all[0].record : all[1].record);
    all.clear();
    next.commit();
    EXPECT_EQ(found(), Texts{"1one"});
}

TEST_F(ALedger, KeepsTextsOfEverySizeUpToItsMost) {
    std::vector<Record> records;
    Texts texts;
    for (std::size_t size = 1; size <= Ledger::most_text; size = size < 1000 ? size + 1 : size * 2) {
        texts.push_back(std::string(size, 'x'));
    }
    texts.push_back(std::string(Ledger::most_text, 'x'));
    for (const std::string& text : texts) {
        records.push_back(write(text));
    }
    ledger.commit();
    std::ranges::for_each(texts, [](std::string& text) { text.insert(0, "1"); });
    EXPECT_EQ(found(), texts);
}

TEST_F(ALedger, UsesTheRoomOfWhatIsErasedAgain) {
    const auto bytes = [&] {
        struct stat status{};
        fstat(ledger.descriptor(), &status);
        return status.st_blocks * 512;
    };
    Record record = write("first");
    const auto rewrite = [&] {
        for (int round = 0; round < 1000; ++round) {
            ledger.write(record, 1, std::string(1000, 'x'));
            ledger.commit();
        }
    };
    rewrite();
    const auto before = bytes();
    rewrite();
    EXPECT_EQ(bytes(), before);
}

TEST_F(ALedger, KeepsANumberFromOneProcessToTheNext) {
    ledger.set_number(42);
    EXPECT_EQ(Ledger::open(*Fd::duplicate(ledger.descriptor()))->number(), 42U);
}

TEST_F(ALedger, IsNotTakenForOneIfItIsOfAnotherFormatOrDamaged) {
    const std::uint32_t other_format = 77;
    pwrite(ledger.descriptor(), &other_format, sizeof(other_format), 8);
    EXPECT_EQ(Ledger::open(*Fd::duplicate(ledger.descriptor())).error().code, std::errc::invalid_argument);
    const Fd empty = Fd::adopt(memfd_create("empty", MFD_CLOEXEC));
    EXPECT_EQ(Ledger::open(*Fd::duplicate(empty.number())).error().code, std::errc::invalid_argument);
}

// A round that writes, replaces and erases; the child is killed at one instruction after the other of it. (At
// how many of them is $MEMSHARE_TEST_STRIDE; where it begins is left to chance.)
TEST_F(ALedger, HasAllOfARoundOrNothingWhereverItsProcessIsKilled) {
    const Texts before{"1erased", "1replaced"}, after{"1replacement", "2written"};
    const auto usual = test::thread_sanitized ? 997 : test::sanitized ? 97 : 13;
    const auto stride = static_cast<int>(test::setting("MEMSHARE_TEST_STRIDE", usual));
    int rounds_before = 0, rounds_after = 0;
    for (int step = static_cast<int>(test::Chance().below(static_cast<std::uint64_t>(stride))); true;
         step += stride) {
        Ledger fresh = *Ledger::create();
        ChildProcess child([&fresh](auto&) {
            Record erased, replaced, written;
            fresh.write(erased, 1, "erased");
            fresh.write(replaced, 1, "replaced");
            fresh.commit();
            Steps::begin();
            fresh.write(written, 2, "written");
            fresh.write(replaced, 1, "replacement");
            erased = {};
            fresh.commit();
            Steps::mark();
            pause();
        });
        const bool is_over = !Steps(child.pid()).take(step);
        child.kill();
        const Texts found = texts_in(fresh.descriptor());
        ASSERT_TRUE(found == before || found == after)
            << testing::PrintToString(found) << " at step " << step;
        ++(found == before ? rounds_before : rounds_after);
        if (!test::thread_sanitized) { // whose own instructions are now more, now fewer
            ASSERT_TRUE(rounds_after == 0 || found == after) << "it went back at step " << step;
        }
        if (is_over) {
            break;
        }
    }
    EXPECT_GT(rounds_before, 0);
    EXPECT_GT(rounds_after, 0);
    std::cout << "    killed at " << rounds_before + rounds_after << " instructions\n";
}

} // namespace
} // namespace memshare::daemon
