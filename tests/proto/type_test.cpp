#include "proto/type.h"

#include "proto/limits.h"

#include <gtest/gtest.h>

namespace memshare::proto {
namespace {

constexpr std::uint64_t most = UINT64_MAX;

Element number(ElementKind kind) {
    return {.kind = kind, .size = 0, .alignment = 0, .name = {}, .fields = {}};
}

Type array_of(ElementKind kind, std::uint64_t count) {
    return {.form = Form::array, .element = number(kind), .count = count, .shape = {}};
}

Type value_of(ElementKind kind) {
    return {.form = Form::value, .element = number(kind), .count = 1, .shape = {}};
}

Element struct_of(std::uint32_t size, std::uint32_t alignment, std::vector<Field> fields = {}) {
    return {.kind = ElementKind::structure,
            .size = size,
            .alignment = alignment,
            .name = "Pose",
            .fields = std::move(fields)};
}

Type array_of(Element element, std::uint64_t count = 1) {
    return {.form = Form::array, .element = std::move(element), .count = count, .shape = {}};
}

Type with_shape(std::uint64_t count, std::vector<std::uint64_t> shape) {
    Type type = array_of(ElementKind::f32, count);
    type.shape = std::move(shape);
    return type;
}

// What is wrong with it; "" if nothing is.
std::string wrong_with(Type type) { return type.complete().value_or(""); }

std::string wrong_with_field(Field field, std::uint32_t struct_size = 8) {
    return wrong_with(array_of(struct_of(struct_size, 8, {std::move(field)})));
}

TEST(AType, GetsSizeAndAlignmentFromTheKindOfItsElement) {
    constexpr std::array<std::uint32_t, 13> sizes{1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 1, 1, 4};
    for (std::size_t kind = 0; kind < sizes.size(); ++kind) {
        Type type = value_of(static_cast<ElementKind>(kind));
        ASSERT_EQ(type.complete(), std::nullopt);
        EXPECT_EQ(type.element.size, sizes[kind]);
        EXPECT_EQ(type.element.alignment, sizes[kind]);
    }
}

TEST(AType, OfANumberMaySayItsSizeButNoOther) {
    Type type = value_of(ElementKind::f64);
    type.element.size = type.element.alignment = 8;
    EXPECT_EQ(wrong_with(type), "");
    type.element.size = 4;
    EXPECT_EQ(wrong_with(type), "element.size");
    type.element.size = 8;
    type.element.alignment = 4;
    EXPECT_EQ(wrong_with(type), "element.alignment");
}

TEST(AType, OfANumberHasNeitherNameNorFields) {
    Type type = value_of(ElementKind::f64);
    type.element.name = "Pose";
    EXPECT_EQ(wrong_with(type), "element.name");
    type.element.name.clear();
    type.element.fields = {{.name = "x", .kind = ElementKind::f64}};
    EXPECT_EQ(wrong_with(type), "element.fields");
}

TEST(AType, OfAStructHasToSayItsSize) {
    EXPECT_EQ(wrong_with(array_of(struct_of(0, 8))), "element.size");
    EXPECT_EQ(wrong_with(array_of(struct_of(8, 8))), "");
    EXPECT_EQ(wrong_with(array_of(struct_of(limits::element_bytes, 64))), "");
    EXPECT_EQ(wrong_with(array_of(struct_of(limits::element_bytes + 64, 64))), "element.size");
    EXPECT_EQ(wrong_with(array_of(struct_of(UINT32_MAX, 1))), "element.size");
}

TEST(AType, OfAStructHasAnAlignmentThatDividesItsSize) {
    for (const std::uint32_t alignment : {1U, 2U, 4U, 8U, 16U, 32U, 64U}) {
        EXPECT_EQ(wrong_with(array_of(struct_of(64, alignment))), "") << alignment;
    }
    EXPECT_EQ(limits::element_alignment, 64U);
    for (const std::uint32_t alignment : {0U, 3U, 128U, 1U << 31, UINT32_MAX}) {
        EXPECT_EQ(wrong_with(array_of(struct_of(128, alignment))), "element.alignment") << alignment;
    }
    EXPECT_EQ(wrong_with(array_of(struct_of(12, 8))), "element.alignment");
}

TEST(AType, OfAStructHasANameThatCanBeShown) {
    Type type = array_of(struct_of(8, 8));
    type.element.name = "\xFF";
    EXPECT_EQ(wrong_with(type), "element.name");
    type.element.name = std::string(limits::name_bytes + 1, 'n');
    EXPECT_EQ(wrong_with(type), "element.name");
    type.element.name = "";
    EXPECT_EQ(wrong_with(type), "");
}

TEST(AType, HasFieldsThatLieInTheStruct) {
    EXPECT_EQ(wrong_with_field({.name = "x", .kind = ElementKind::u32, .offset = 4, .count = 1}), "");
    EXPECT_EQ(wrong_with_field({.name = "x", .kind = ElementKind::u32, .offset = 0, .count = 2}), "");
    EXPECT_EQ(wrong_with_field({.name = "x", .kind = ElementKind::u32, .offset = 5, .count = 1}),
              "element.fields");
    EXPECT_EQ(wrong_with_field({.name = "x", .kind = ElementKind::u32, .offset = 0, .count = 3}),
              "element.fields");
    EXPECT_EQ(wrong_with_field({.name = "x", .kind = ElementKind::u8, .offset = 8, .count = 1}),
              "element.fields");
}

TEST(AType, HasFieldsWhoseEndDoesNotOverflow) {
    EXPECT_EQ(wrong_with_field({.name = "x", .kind = ElementKind::u8, .offset = UINT32_MAX, .count = 1}),
              "element.fields");
    EXPECT_EQ(wrong_with_field({.name = "x", .kind = ElementKind::u32, .offset = 4, .count = UINT32_MAX}),
              "element.fields");
    EXPECT_EQ(wrong_with_field({.name = "x", .kind = ElementKind::u64, .offset = 0, .count = 1U << 29}),
              "element.fields");
}

TEST(AType, HasFieldsThatAreSomething) {
    EXPECT_EQ(wrong_with_field({.name = "x", .kind = ElementKind::u8, .offset = 0, .count = 0}),
              "element.fields");
    EXPECT_EQ(wrong_with_field({.name = "x", .kind = ElementKind::structure, .offset = 0, .count = 1}),
              "element.fields");
    EXPECT_EQ(wrong_with_field({.name = "", .kind = ElementKind::u8}), "element.fields");
    EXPECT_EQ(wrong_with_field({.name = "a\nb", .kind = ElementKind::u8}), "element.fields");
}

TEST(AType, HasFieldNamesOfAtMost63Bytes) {
    EXPECT_EQ(limits::field_name_bytes, 63U);
    EXPECT_EQ(wrong_with_field({.name = std::string(63, 'n'), .kind = ElementKind::u8}), "");
    EXPECT_EQ(wrong_with_field({.name = std::string(64, 'n'), .kind = ElementKind::u8}), "element.fields");
}

TEST(AType, HasAtMost256Fields) {
    std::vector<Field> fields(limits::fields, {.name = "x", .kind = ElementKind::u8});
    EXPECT_EQ(wrong_with(array_of(struct_of(8, 8, fields))), "");
    fields.push_back(fields.front());
    EXPECT_EQ(wrong_with(array_of(struct_of(8, 8, fields))), "element.fields");
}

TEST(AType, HasAtLeastOneElement) {
    EXPECT_EQ(wrong_with(array_of(ElementKind::u8, 0)), "count");
    EXPECT_EQ(wrong_with(array_of(ElementKind::u8, 1)), "");
}

TEST(AType, HasNoMoreElementsThanASegmentHolds) {
    constexpr std::uint64_t bytes = limits::segment_bytes;
    EXPECT_EQ(wrong_with(array_of(ElementKind::u8, bytes)), "");
    EXPECT_EQ(wrong_with(array_of(ElementKind::u8, bytes + 1)), "count");
    EXPECT_EQ(wrong_with(array_of(ElementKind::f64, bytes / 8)), "");
    EXPECT_EQ(wrong_with(array_of(ElementKind::f64, bytes / 8 + 1)), "count");
}

TEST(AType, HasNoCountWhoseBytesOverflow) {
    EXPECT_EQ(wrong_with(array_of(ElementKind::u8, most)), "count");
    EXPECT_EQ(wrong_with(array_of(ElementKind::f64, most / 8 + 2)), "count");
    EXPECT_EQ(wrong_with(array_of(struct_of(65536, 64), (most >> 16) + 1)), "count");
}

TEST(AType, OfAValueHasOneElement) {
    Type type = value_of(ElementKind::f64);
    type.count = 2;
    EXPECT_EQ(wrong_with(type), "count");
}

TEST(AType, HasAShapeThatMultipliesToItsCount) {
    EXPECT_EQ(wrong_with(with_shape(24, {2, 3, 4})), "");
    EXPECT_EQ(wrong_with(with_shape(24, {24})), "");
    EXPECT_EQ(wrong_with(with_shape(24, {2, 3, 5})), "shape");
    EXPECT_EQ(wrong_with(with_shape(24, {2, 3})), "shape");
    EXPECT_EQ(wrong_with(with_shape(24, {0, 24})), "shape");
}

TEST(AType, HasNoShapeWhoseProductOverflows) {
    EXPECT_EQ(wrong_with(with_shape(1, {most, most})), "shape");
    EXPECT_EQ(wrong_with(with_shape(16, {std::uint64_t{1} << 62, 64})), "shape"); // 2^68 is 16 modulo 2^64
}

TEST(AType, HasAtMost8Dimensions) {
    EXPECT_EQ(limits::dimensions, 8U);
    EXPECT_EQ(wrong_with(with_shape(1, std::vector<std::uint64_t>(8, 1))), "");
    EXPECT_EQ(wrong_with(with_shape(1, std::vector<std::uint64_t>(9, 1))), "shape");
}

TEST(AType, OfAValueHasNoShape) {
    Type type = value_of(ElementKind::f64);
    type.shape = {1};
    EXPECT_EQ(wrong_with(type), "shape");
}

TEST(AType, SaysItselfInWords) {
    EXPECT_EQ(array_of(ElementKind::i32, 5).words(), "array of 5 i32");
    EXPECT_EQ(value_of(ElementKind::f64).words(), "value of f64");
    EXPECT_EQ(array_of(struct_of(24, 8), 2).words(), "array of 2 struct Pose (24 bytes)");
    Element nameless = struct_of(24, 8);
    nameless.name.clear();
    EXPECT_EQ(array_of(nameless, 2).words(), "array of 2 struct (24 bytes)");
}

TEST(AnExpectedType, OfNothingMatchesEverything) {
    EXPECT_TRUE(ExpectedType{}.matches(array_of(ElementKind::i32, 5)));
    EXPECT_TRUE(ExpectedType{}.matches(value_of(ElementKind::f64)));
}

TEST(AnExpectedType, MatchesWhereItSaysNothingElse) {
    const Type actual = array_of(ElementKind::i32, 5);
    EXPECT_TRUE((ExpectedType{.form = Form::array, .element = {}, .count = {}}).matches(actual));
    EXPECT_TRUE((ExpectedType{.form = {}, .element = {}, .count = 5}).matches(actual));
    EXPECT_FALSE((ExpectedType{.form = Form::value, .element = {}, .count = {}}).matches(actual));
    EXPECT_FALSE((ExpectedType{.form = {}, .element = {}, .count = 4}).matches(actual));
    EXPECT_FALSE(
        (ExpectedType{.form = {}, .element = number(ElementKind::u32), .count = {}}).matches(actual));
}

TEST(AnExpectedType, OfAStructWithoutASizeMatchesEveryStruct) {
    const ExpectedType any_struct{.form = {}, .element = number(ElementKind::structure), .count = {}};
    EXPECT_TRUE(any_struct.matches(array_of(struct_of(24, 8))));
    EXPECT_FALSE(any_struct.matches(value_of(ElementKind::f64)));
}

TEST(AnExpectedType, OfAStructMatchesInSizeAndAlignment) {
    const ExpectedType expected{.form = {}, .element = struct_of(24, 8), .count = {}};
    EXPECT_TRUE(expected.matches(array_of(struct_of(24, 8))));
    EXPECT_FALSE(expected.matches(array_of(struct_of(32, 8))));
    EXPECT_FALSE(expected.matches(array_of(struct_of(24, 4))));
}

TEST(AnExpectedType, OfAnUndescribedStructMatchesADescribedOneOfItsSize) {
    Element bare = struct_of(24, 8);
    bare.name.clear();
    const Element described = struct_of(24, 8, {{.name = "x", .kind = ElementKind::f64}});
    EXPECT_TRUE((ExpectedType{.form = {}, .element = bare, .count = {}}).matches(array_of(described)));
    EXPECT_TRUE((ExpectedType{.form = {}, .element = described, .count = {}}).matches(array_of(bare)));
}

TEST(AnExpectedType, OfADescribedStructMatchesOnlyItsNameAndFields) {
    const Element described = struct_of(24, 8, {{.name = "x", .kind = ElementKind::f64}});
    const ExpectedType expected{.form = {}, .element = described, .count = {}};
    Element renamed = described;
    renamed.name = "Point";
    EXPECT_FALSE(expected.matches(array_of(renamed)));
    Element other = described;
    other.fields[0].name = "y";
    EXPECT_FALSE(expected.matches(array_of(other)));
}

TEST(AnExpectedType, SaysItselfInWords) {
    const Element f64 = number(ElementKind::f64);
    EXPECT_EQ(ExpectedType{}.words(), "segment of anything");
    EXPECT_EQ((ExpectedType{.form = Form::array, .element = f64, .count = 5}).words(), "array of 5 f64");
    EXPECT_EQ((ExpectedType{.form = Form::array, .element = f64, .count = {}}).words(), "array of f64");
    EXPECT_EQ((ExpectedType{.form = Form::value, .element = f64, .count = 1}).words(), "value of f64");
    EXPECT_EQ((ExpectedType{.form = {}, .element = {}, .count = 5}).words(), "segment of 5 anything");
}

} // namespace
} // namespace memshare::proto
