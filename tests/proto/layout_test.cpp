// The layout of a segment, in literal numbers: what is said here lies in memory that other programs, compiled
// elsewhere, have mapped. A number changes only together with abi::version.
#include <memshare/abi/element.hpp>
#include <memshare/abi/layout.hpp>
#include <memshare/abi/lock_word.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <iomanip>
#include <iostream>

namespace memshare::abi {
namespace {

struct Place {
    std::string_view name;
    std::size_t offset, size;         // as it is here
    std::size_t due_offset, due_size; // as it is agreed
};

#define PLACE(line, member, due_offset, due_size)                                             \
    Place {                                                                                   \
        #line "." #member, offsetof(Header, line) + offsetof(decltype(Header::line), member), \
            sizeof(Header::line.member), due_offset, due_size                                 \
    }

TEST(TheLayout, HasEveryWordInItsPlace) {
    const auto places = std::to_array<Place>({
        PLACE(inscription, magic, 0, 8),
        PLACE(inscription, version, 8, 4),
        PLACE(inscription, form, 12, 4),
        PLACE(inscription, element_kind, 16, 4),
        PLACE(inscription, element_size, 20, 4),
        PLACE(inscription, count, 24, 8),
        PLACE(inscription, payload_offset, 32, 8),
        PLACE(lock, word, 64, 4),
        PLACE(lock, depth, 68, 4),
        PLACE(lock, owner, 72, 8),
        PLACE(lock, recoveries, 80, 4),
        PLACE(change, version, 128, 8),
        PLACE(change, signal, 136, 4),
        PLACE(change, waiting, 140, 4),
        PLACE(change, watchers, 144, 4),
    });
    for (const Place& place : places) {
        std::cout << std::setw(4) << place.offset << std::setw(3) << place.size << "  " << place.name << '\n';
        EXPECT_EQ(place.offset, place.due_offset) << place.name;
        EXPECT_EQ(place.size, place.due_size) << place.name;
    }
}

TEST(TheLayout, HasAHeaderOfThreeCacheLines) {
    EXPECT_EQ(cache_line, 64U);
    EXPECT_EQ(sizeof(Header), 192U);
    EXPECT_EQ(alignof(Header), 64U);
}

TEST(TheLayout, IsOfVersion1) { EXPECT_EQ(version, 1U); }

TEST(TheLayout, BeginsWithItsOwnName) {
    EXPECT_EQ(std::memcmp(&magic, "memshare", 8), 0); // on this little-endian machine
}

TEST(TheLockWord, HasTheHolderIn30BitsTheDiedBitAndTheWaitingBit) {
    EXPECT_EQ(holder_bits, 0x3fff'ffffU);
    EXPECT_EQ(died_bit, 0x4000'0000U);
    EXPECT_EQ(waiting_bit, 0x8000'0000U);
    EXPECT_EQ(holder_of(died_bit | waiting_bit), 0U);
}

TEST(TheLockWord, OfAReleasedLockBearsTheDiedBitUntilAHolderClearsIt) {
    LockLine lock{};
    lock.word = died_bit;
    std::uint32_t seen = lock.word;
    ASSERT_FALSE(take_unused(lock, 5));
    ASSERT_TRUE(take_free(lock, seen, 5, 0));
    release(lock, 5);
    EXPECT_EQ(lock.word, died_bit);
    seen = lock.word;
    ASSERT_TRUE(take_free(lock, seen, 6, waiting_bit));
    clear_died(lock);
    EXPECT_EQ(lock.word, 6U | waiting_bit);
    release(lock, 6);
    EXPECT_EQ(lock.word, 0U);
}

TEST(TheLockWord, IsReleasedByItsHolderOnly) {
    LockLine lock{};
    lock.word = 6;
    release(lock, 5);
    EXPECT_EQ(lock.word, 6U);
}

TEST(TheLayout, HasNumbersForForms) {
    EXPECT_EQ(static_cast<int>(Form::value), 0);
    EXPECT_EQ(static_cast<int>(Form::array), 1);
}

TEST(TheLayout, HasNumbersWordsAndSizesForKinds) {
    struct Row {
        ElementKind kind;
        std::size_t number;
        std::string_view word;
        std::uint32_t size;
    };
    const auto rows = std::to_array<Row>({{ElementKind::i8, 0, "i8", 1},
                                          {ElementKind::u8, 1, "u8", 1},
                                          {ElementKind::i16, 2, "i16", 2},
                                          {ElementKind::u16, 3, "u16", 2},
                                          {ElementKind::i32, 4, "i32", 4},
                                          {ElementKind::u32, 5, "u32", 4},
                                          {ElementKind::i64, 6, "i64", 8},
                                          {ElementKind::u64, 7, "u64", 8},
                                          {ElementKind::f32, 8, "f32", 4},
                                          {ElementKind::f64, 9, "f64", 8},
                                          {ElementKind::boolean, 10, "bool", 1},
                                          {ElementKind::character, 11, "char", 1},
                                          {ElementKind::wide_character, 12, "wchar", 4},
                                          {ElementKind::structure, 13, "struct", 0}});
    EXPECT_EQ(std::size(rows), kind_names.size());
    for (const Row& row : rows) {
        EXPECT_EQ(static_cast<std::size_t>(row.kind), row.number);
        EXPECT_EQ(name_of(row.kind), row.word);
        EXPECT_EQ(size_of(row.kind), row.size);
    }
}

TEST(TheLayout, StoresAtOnceWhatTheMachineStoresAtOnce) {
    for (const std::size_t size : {1U, 2U, 4U, 8U}) {
        EXPECT_TRUE(stored_at_once(size)) << size;
    }
    for (const std::size_t size : {0U, 3U, 5U, 6U, 7U, 9U, 16U, 64U}) {
        EXPECT_FALSE(stored_at_once(size)) << size;
    }
}

TEST(TheLayout, HasTwoSlotsForALargerValueEachOnItsOwnCacheLines) {
    EXPECT_EQ(payload_size(Form::value, 8, 1), 8U);
    EXPECT_EQ(payload_size(Form::value, 3, 1), 128U);
    EXPECT_EQ(payload_size(Form::value, 64, 1), 128U);
    EXPECT_EQ(payload_size(Form::value, 65, 1), 256U);
    EXPECT_EQ(payload_size(Form::value, 65536, 1), 131072U);
}

TEST(TheLayout, HasTheElementsOfAnArrayOneAfterAnother) {
    EXPECT_EQ(payload_size(Form::array, 3, 5), 15U);
    EXPECT_EQ(payload_size(Form::array, 65536, 1 << 20), std::size_t{1} << 36);
}

TEST(TheLayout, HasThePayloadBehindTheHeaderAndLargeArraysOnAPageOfTheirOwn) {
    EXPECT_EQ(payload_offset(Form::value, 8), 192U);
    EXPECT_EQ(payload_offset(Form::value, 131072), 192U);
    EXPECT_EQ(payload_offset(Form::array, 4095), 192U);
    EXPECT_EQ(payload_offset(Form::array, 4096), 4096U);
    EXPECT_EQ(payload_offset(Form::array, SIZE_MAX), 4096U);
}

} // namespace
} // namespace memshare::abi
