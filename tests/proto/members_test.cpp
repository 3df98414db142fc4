#include "proto/members.h"

#include "proto/calls.h"

#include <gtest/gtest.h>

namespace memshare::proto {

enum class Colour { red, green };
template <> struct NamesOf<Colour> {
    static constexpr std::array<std::string_view, 2> names{"red", "green"};
};

namespace {

struct Point {
    std::int32_t x = 0;
    std::uint8_t y = 0;
    static constexpr auto members() { return std::tuple(required("x", &Point::x), optional("y", &Point::y)); }
};

struct Drawing {
    Point origin;
    std::optional<Colour> colour;
    std::string title;
    std::vector<Point> points;
    std::vector<std::byte> picture;
    std::optional<SegmentName> name;
    bool closed = false;
    static constexpr auto members() {
        return std::tuple(required("origin", &Drawing::origin), optional("colour", &Drawing::colour),
                          optional("title", &Drawing::title), optional("points", &Drawing::points),
                          optional("picture", &Drawing::picture), optional("name", &Drawing::name),
                          optional("closed", &Drawing::closed));
    }
};

template <typename T> Read<T> read(std::string_view text, Strangers strangers = Strangers::refuse) {
    JsonDocument document;
    return read_json<T>(*document.parse(text), strangers);
}

// The way to what is wrong with a drawing; "(nothing)" if it is read.
std::string wrong_in(std::string_view text, Strangers strangers = Strangers::refuse) {
    const auto drawing = read<Drawing>(text, strangers);
    return drawing ? "(nothing)" : drawing.error();
}

std::string written(const auto& value) {
    std::string out;
    JsonWriter to(out);
    write_json(to, value);
    return out;
}

TEST(AStruct, IsReadFromItsMembersInAnyOrder) {
    const auto drawing = read<Drawing>(R"({"title":"t","points":[{"x":1},{"y":2,"x":-3}],"closed":true,)"
                                       R"("picture":"Zm9v","colour":"green","name":"n","origin":{"x":7}})");
    ASSERT_TRUE(drawing) << drawing.error();
    EXPECT_EQ(drawing->origin.x, 7);
    EXPECT_EQ(drawing->colour, Colour::green);
    EXPECT_EQ(drawing->title, "t");
    EXPECT_EQ(drawing->points[1].x, -3);
    EXPECT_EQ(drawing->points[1].y, 2);
    EXPECT_EQ(drawing->picture.size(), 3U);
    EXPECT_EQ(drawing->name, SegmentName::parse("n"));
    EXPECT_TRUE(drawing->closed);
}

TEST(AStruct, MayLackWhatIsOptional) {
    const auto drawing = read<Drawing>(R"({"origin":{"x":1}})");
    ASSERT_TRUE(drawing);
    EXPECT_EQ(drawing->colour, std::nullopt);
    EXPECT_EQ(drawing->name, std::nullopt);
    EXPECT_TRUE(drawing->title.empty());
}

TEST(AStruct, TakesNullForAbsent) {
    EXPECT_EQ(wrong_in(R"({"origin":{"x":1},"colour":null,"title":null,"points":null,"closed":null})"),
              "(nothing)");
}

TEST(AStruct, NamesTheMemberThatIsMissing) {
    EXPECT_EQ(wrong_in("{}"), "origin");
    EXPECT_EQ(wrong_in(R"({"origin":null})"), "origin");
}

TEST(AStruct, NamesTheMemberThatItDoesNotKnow) {
    EXPECT_EQ(wrong_in(R"({"origin":{"x":1},"size":1})"), "size");
}

TEST(AStruct, LooksOverStrangersIfItIsTold) {
    EXPECT_EQ(wrong_in(R"({"origin":{"x":1,"z":1},"size":{"a":[]}})", Strangers::ignore), "(nothing)");
}

TEST(AStruct, NamesTheMemberThatComesTwice) {
    EXPECT_EQ(wrong_in(R"({"origin":{"x":1},"origin":{"x":2}})"), "origin");
    EXPECT_EQ(wrong_in(R"({"origin":{"x":1},"title":"a","title":"a"})"), "title");
}

TEST(AStruct, NamesTheWayToWhatIsWrong) {
    EXPECT_EQ(wrong_in(R"({"origin":1})"), "origin");
    EXPECT_EQ(wrong_in(R"({"origin":{}})"), "origin.x");
    EXPECT_EQ(wrong_in(R"({"origin":{"x":"a"}})"), "origin.x");
    EXPECT_EQ(wrong_in(R"({"origin":{"x":1,"z":1}})"), "origin.z");
    EXPECT_EQ(wrong_in(R"({"origin":{"x":1,"x":1}})"), "origin.x");
}

TEST(AStruct, NamesTheFirstThatIsWrong) {
    EXPECT_EQ(wrong_in(R"({"title":1,"size":1})"), "title");
    EXPECT_EQ(wrong_in(R"({"size":1,"title":1})"), "size");
}

TEST(AStruct, NamesAnArrayWithAWrongItem) {
    EXPECT_EQ(wrong_in(R"({"origin":{"x":1},"points":[{"x":1},{"x":true}]})"), "points");
    EXPECT_EQ(wrong_in(R"({"origin":{"x":1},"points":[null]})"), "points");
    EXPECT_EQ(wrong_in(R"({"origin":{"x":1},"points":{}})"), "points");
}

TEST(AStruct, HasOnlyValuesOfItsKinds) {
    for (const auto* member :
         {R"("colour":"blue")", R"("colour":0)", R"("colour":"")", R"("title":1)", R"("picture":"Zg")",
          R"("picture":[])", R"("name":"")", R"("name":"a\nb")", R"("closed":1)", R"("closed":"true")"}) {
        EXPECT_NE(wrong_in(R"({"origin":{"x":1},)" + std::string(member) + "}"), "(nothing)") << member;
    }
}

TEST(AStruct, HasIntegersThatFit) {
    EXPECT_EQ(read<Point>(R"({"x":-2147483648,"y":255})")->x, INT32_MIN);
    EXPECT_EQ(read<Point>(R"({"x":"2147483647","y":255.0})")->x, INT32_MAX);
    EXPECT_EQ(read<Point>(R"({"x":2147483648})").error(), "x");
    EXPECT_EQ(read<Point>(R"({"x":-2147483649})").error(), "x");
    EXPECT_EQ(read<Point>(R"({"x":0,"y":256})").error(), "y");
    EXPECT_EQ(read<Point>(R"({"x":0,"y":-1})").error(), "y");
}

TEST(AStruct, IsAnObject) {
    for (const auto* text : {"[]", "1", "\"x\"", "null", "true"}) {
        EXPECT_FALSE(read<Point>(text)) << text;
    }
}

TEST(AStruct, IsWrittenWithWhatItHasAndNoMore) {
    EXPECT_EQ(written(Point{.x = -1, .y = 0}), R"({"x":-1})");
    EXPECT_EQ(written(Drawing{.origin = {.x = 0, .y = 9},
                              .colour = Colour::red,
                              .title = "t\"",
                              .points = {{.x = 1}},
                              .picture = {std::byte{'f'}},
                              .name = SegmentName::parse("n"),
                              .closed = true}),
              R"({"origin":{"x":0,"y":9},"colour":"red","title":"t\"","points":[{"x":1}],"picture":"Zg==",)"
              R"("name":"n","closed":true})");
}

TEST(AStruct, IsWrittenWithAnOptionalMemberThatIsZero) {
    Create call;
    call.mode = 0;
    EXPECT_NE(written(call).find(R"("mode":0)"), std::string::npos);
}

TEST(AStruct, ReadsBackAsItWasWritten) {
    const std::string text = R"({"origin":{"x":-7,"y":3},"colour":"green","points":[{"x":1},{"x":2}]})";
    EXPECT_EQ(written(*read<Drawing>(text)), text);
}

} // namespace
} // namespace memshare::proto
