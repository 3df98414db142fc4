// Array<T>: a typed array of fixed length that several processes share.
#include "tests/support/with_broker.h"

#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <ranges>

namespace memshare::test {

struct Pose {
    double x, y;
    float heading;
};
MEMSHARE_STRUCT(Pose, x, y, heading)

struct Place {
    double x, y;
    float height;
};
MEMSHARE_STRUCT(Place, x, y, height)

struct Board {
    int cells[2][3];
    short row[4];
    char mark;
};
MEMSHARE_STRUCT(Board, cells, row, mark)

namespace {

static_assert(std::ranges::contiguous_range<Array<int>> && std::ranges::sized_range<Array<int>>);

using AnArray = WithBroker;

TEST_F(AnArray, IsEmptyOnceItWasMovedFrom) {
    auto array = Array<int>::create("arr", 5, {.broker = &broker});
    auto other = std::move(array);
    // NOLINTBEGIN(bugprone-use-after-move): that is what is asked
    EXPECT_EQ(array.size(), 0U);
    EXPECT_EQ(array.data(), nullptr);
    EXPECT_EQ(array.begin(), array.end());
    EXPECT_THROW(array.at(0), std::out_of_range);
    // NOLINTEND(bugprone-use-after-move)
    array = std::move(other);
    EXPECT_EQ(array.size(), 5U);
    EXPECT_EQ(other.size(), 0U); // NOLINT(bugprone-use-after-move)
    auto& itself = array;
    array = std::move(itself);
    EXPECT_EQ(array.size(), 5U);
    EXPECT_EQ(broker.describe("arr").attachments.size(), 1U);
}

TEST_F(AnArray, OfAnotherShapeIsNotTakenForTheOneThatIsAskedFor) {
    const auto made = Array<float>::create("image", 6, {.shape = {2, 3}, .broker = &broker});
    const auto taken = [this](std::vector<std::uint64_t> shape) {
        return Array<float>::open_or_create("image", 6, {.shape = std::move(shape), .broker = &broker});
    };
    EXPECT_EQ(taken({2, 3}).info().shape, made.info().shape);
    EXPECT_EQ(taken({}).info().shape, made.info().shape); // any will do
    const Error error = error_of([&] { taken({3, 2}); });
    EXPECT_EQ(error.code(), Errc::type_mismatch);
    EXPECT_EQ(std::string(error.what()),
              "\"image\" is a segment of another type: expected array of 6 f32 of shape 3x2, found array of "
              "6 f32 of "
              "shape 2x3");
    const auto flat = Array<float>::create("flat", 6, {.broker = &broker});
    EXPECT_EQ(error_of([&] {
                  Array<float>::open_or_create("flat", 6, {.shape = {3, 2}, .broker = &broker});
              }).code(),
              Errc::type_mismatch);
    EXPECT_EQ(broker.describe("image").attachments.size(), 1U);
}

TEST_F(AnArray, ThatOneProcessFillsIsReadByAnother) {
    const auto array = Array<int>::create("arr", 5, {.broker = &broker});
    ChildProcess other([&](Lines&) {
        Broker own(daemon.socket_path());
        const auto same = Array<int>::open("arr", {.broker = &own});
        std::iota(same.begin(), same.end(), 0);
    });
    ASSERT_EQ(other.wait(), 0);
    EXPECT_TRUE(std::ranges::equal(array, std::vector{0, 1, 2, 3, 4}));
}

TEST_F(AnArray, KnowsHowManyItemsAFieldOfItsStructsHas) {
    const auto made = Array<Board>::create("boards", 2, {.broker = &broker});
    const auto fields = broker.describe("boards").segment.element.fields;
    ASSERT_EQ(fields.size(), 3);
    EXPECT_EQ(fields[0].count, 6);
    EXPECT_EQ(fields[1].count, 4);
    EXPECT_EQ(fields[2].count, 1);
}

TEST_F(AnArray, IsZeroWhenNothingElseIsSaid) {
    const auto array = Array<std::uint8_t>::create("arr", 10'000, {.broker = &broker});
    EXPECT_EQ(std::ranges::count(array, 0), 10'000);
}

TEST_F(AnArray, IsCreatedFromAList) {
    const auto made = Array<int>::create("arr", {3, 1, 2}, {.broker = &broker});
    EXPECT_TRUE(std::ranges::equal(Array<const int>::open("arr", {.broker = &broker}), std::vector{3, 1, 2}));
}

TEST_F(AnArray, IsFilledBeforeAnybodySeesIt) {
    bool seen_too_early = true;
    const auto fill = [&](std::span<int> elements) {
        std::ranges::fill(elements, 9);
        seen_too_early = lists(broker, "arr");
    };
    const auto made = Array<int>::create("arr", 100, fill, {.broker = &broker});
    EXPECT_FALSE(seen_too_early);
    EXPECT_TRUE(lists(broker, "arr"));
    EXPECT_EQ(std::ranges::count(made, 9), 100);
}

TEST_F(AnArray, WithoutANameHasItsInitialContentsToo) {
    const std::vector<int> initial(50'000, 4);
    const auto made = Array<int>::create(unnamed, initial, {.broker = &broker});
    const auto same = Array<int>::open_by_id(made.info().id, {.broker = &broker});
    EXPECT_TRUE(std::ranges::equal(same, initial));
}

TEST_F(AnArray, IsOpenedWithTheLengthThatItHas) {
    const auto made = Array<int>::create("arr", 17, {.broker = &broker});
    EXPECT_EQ(Array<int>::open("arr", {.broker = &broker}).size(), 17U);
    EXPECT_EQ(Array<int>::open("arr", 17, {.broker = &broker}).size(), 17U);
}

TEST_F(AnArray, OfAnotherLengthIsRefusedInWordsForBothSides) {
    const auto made = Array<int>::create("arr", 5, {.broker = &broker});
    const Error error = error_of([&] { Array<int>::open("arr", 6, {.broker = &broker}); });
    EXPECT_EQ(error.code(), Errc::type_mismatch);
    EXPECT_NE(std::string(error.what()).find("expected array of 6 i32, found array of 5 i32"),
              std::string::npos)
        << error.what();
}

TEST_F(AnArray, ThrowsAtAnIndexPastItsEnd) {
    const auto array = Array<int>::create("arr", 5, {.broker = &broker});
    array.at(4) = 1;
    EXPECT_THROW(array.at(5), std::out_of_range);
    EXPECT_THROW(array.at(SIZE_MAX), std::out_of_range);
}

TEST_F(AnArray, OfConstTIsMappedReadOnly) {
    const auto made = Array<int>::create("arr", 5, {.broker = &broker});
    ChildProcess writer([&](Lines&) {
        signal(SIGSEGV, SIG_DFL); // not a sanitizer's
        Broker own(daemon.socket_path());
        const auto array = Array<const int>::open("arr", {.broker = &own});
        const_cast<int&>(array[0]) = 1;
    });
    EXPECT_EQ(writer.wait(), -SIGSEGV);
    EXPECT_EQ(made[0], 0);
}

TEST_F(AnArray, OfStructsIsSharedAndDescribed) {
    const auto made = Array<Pose>::create("poses", 3, {.broker = &broker});
    made[2] = {1, 2, 0.5F};
    const auto same = Array<const Pose>::open("poses", {.broker = &broker});
    EXPECT_EQ(same[2].heading, 0.5F);
    EXPECT_EQ(same.info().type(), "array of 3 struct Pose (24 bytes)");
    EXPECT_EQ(same.info().element.fields, (std::vector<Field>{{"x", ElementKind::f64, 0, 1},
                                                              {"y", ElementKind::f64, 8, 1},
                                                              {"heading", ElementKind::f32, 16, 1}}));
}

TEST_F(AnArray, OfAnotherStructOfTheSameSizeIsRefused) {
    const auto made = Array<Pose>::create("poses", 3, {.broker = &broker});
    const Error error = error_of([&] { Array<Place>::open("poses", {.broker = &broker}); });
    EXPECT_NE(
        std::string(error.what()).find("array of struct Place (24 bytes), found array of 3 struct Pose"),
        std::string::npos)
        << error.what();
}

TEST_F(AnArray, KeepsItsShape) {
    const auto made = Array<float>::create("image", 6, {.shape = {2, 3}, .broker = &broker});
    EXPECT_EQ(Array<float>::open("image", {.broker = &broker}).info().shape,
              (std::vector<std::uint64_t>{2, 3}));
}

TEST_F(AnArray, WhoseShapeIsNotItsLengthIsRefused) {
    const Error error =
        error_of([&] { Array<float>::create("image", 7, {.shape = {2, 3}, .broker = &broker}); });
    EXPECT_EQ(error.code(), Errc::invalid_argument);
}

TEST_F(AnArray, OfNoElementsIsRefused) {
    EXPECT_EQ(error_of([&] { Array<int>::create("arr", 0, {.broker = &broker}); }).code(),
              Errc::invalid_argument);
}

TEST_F(AnArray, OfMoreThanThereCanBeIsRefused) {
    EXPECT_EQ(error_of([&] { Array<int>::create("arr", SIZE_MAX / 2, {.broker = &broker}); }).code(),
              Errc::invalid_argument);
}

TEST_F(AnArray, StartsOnAPageWhenItIsThatLarge) {
    const auto array = Array<std::byte>::create("arr", 4096, {.broker = &broker});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data()) % 4096, 0U);
}

TEST_F(AnArray, ThatIsMovedFromIsEmpty) {
    auto first = Array<int>::create("arr", {1, 2}, {.broker = &broker});
    const Array<int> second = std::move(first);
    EXPECT_EQ(second.size(), 2U);
    EXPECT_EQ(broker.describe("arr").segment.attachments, 1U);
}

} // namespace
} // namespace memshare::test
