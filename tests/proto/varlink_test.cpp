// The rules of a Varlink message, each as a test.
#include "proto/varlink.h"

#include "proto/calls.h"

#include <gtest/gtest.h>

namespace memshare::proto {
namespace {

class ACall : public testing::Test {
  protected:
    std::optional<Call> read(std::string_view text) { return read_call(document_, text); }
    bool is_call(std::string_view text) { return read(text).has_value(); }

    JsonDocument document_;
};

class AReply : public testing::Test {
  protected:
    std::optional<Reply> read(std::string_view text) { return read_reply(document_, text); }
    bool is_reply(std::string_view text) { return read(text).has_value(); }
    std::optional<Refusal> refusal(std::string_view text) { return read_refusal(*read(text)); }

    JsonDocument document_;
};

template <typename Method> std::string written(const Method& call, Wants wants = Wants::reply) {
    std::string out;
    write_call(out, call, wants);
    return out;
}

template <typename T> std::string replied(const T& parameters, bool continues = false) {
    std::string out;
    write_reply(out, parameters, continues);
    return out;
}

std::string refused(const Refusal& refusal) {
    std::string out;
    write_refusal(out, refusal);
    return out;
}

TEST_F(ACall, HasAMethod) {
    EXPECT_EQ(read(R"({"method":"a.B"})")->method, "a.B");
    for (const auto* text :
         {"{}", R"({"method":""})", R"({"method":null})", R"({"method":1})", R"({"parameters":{}})"}) {
        EXPECT_FALSE(is_call(text)) << text;
    }
}

TEST_F(ACall, MayHaveItsParametersBeforeItsMethod) {
    const auto call = read(R"({"parameters":{"name":"n"},"method":"a.B"})");
    ASSERT_TRUE(call && call->parameters);
    EXPECT_EQ(read_parameters<Destroy>(call->parameters, Strangers::refuse)->name, SegmentName::parse("n"));
}

TEST_F(ACall, MeansTheSameWithParametersAbsentNullAndEmpty) {
    for (const auto* text : {R"({"method":"a.B"})", R"({"method":"a.B","parameters":null})",
                             R"({"method":"a.B","parameters":{}})"}) {
        const auto call = read(text);
        ASSERT_TRUE(call) << text;
        EXPECT_TRUE(read_parameters<List>(call->parameters, Strangers::refuse)) << text;
        EXPECT_EQ(read_parameters<Attach>(call->parameters, Strangers::refuse).error(), "access") << text;
    }
}

TEST_F(ACall, HasAnObjectForParameters) {
    for (const auto* parameters : {"[]", "\"\"", "0", "true"}) {
        EXPECT_FALSE(is_call(R"({"method":"a.B","parameters":)" + std::string(parameters) + "}"));
    }
}

TEST_F(ACall, MayHaveOneFlag) {
    EXPECT_TRUE(read(R"({"method":"a.B","more":true})")->more);
    EXPECT_TRUE(read(R"({"method":"a.B","oneway":true})")->oneway);
    EXPECT_TRUE(read(R"({"method":"a.B","upgrade":true})")->upgrade);
    EXPECT_FALSE(read(R"({"method":"a.B"})")->more);
}

TEST_F(ACall, HasNoTwoFlagsThatAreTrue) {
    EXPECT_FALSE(is_call(R"({"method":"a.B","more":true,"oneway":true})"));
    EXPECT_FALSE(is_call(R"({"method":"a.B","more":true,"upgrade":true})"));
    EXPECT_FALSE(is_call(R"({"method":"a.B","oneway":true,"upgrade":true})"));
    EXPECT_TRUE(is_call(R"({"method":"a.B","more":true,"oneway":false,"upgrade":false})"));
}

TEST_F(ACall, HasFlagsThatAreBooleans) {
    for (const auto* value : {"null", "0", "1", "\"true\"", "[]", "{}"}) {
        for (const auto* flag : {"more", "oneway", "upgrade"}) {
            EXPECT_FALSE(is_call(R"({"method":"a.B",")" + std::string(flag) + "\":" + value + "}"))
                << flag << value;
        }
    }
}

TEST_F(ACall, HasNoOtherKey) {
    EXPECT_FALSE(is_call(R"({"method":"a.B","id":1})"));
    EXPECT_FALSE(is_call(R"({"method":"a.B","Method":"a.C"})"));
    EXPECT_FALSE(is_call(R"({"method":"a.B","":null})"));
}

TEST_F(ACall, IsAnObject) {
    for (const auto* text : {"[]", "\"a.B\"", "1", "null", "true", R"([{"method":"a.B"}])"}) {
        EXPECT_FALSE(is_call(text)) << text;
    }
}

TEST_F(ACall, IsJsonInUtf8) {
    for (const auto* text : {"", "x", "{", R"({"method":"a.B"}x)", "{\"method\":\"a.\xFF\"}",
                             "{\"method\":\"a.B\",\"\x80\":1}"}) {
        EXPECT_FALSE(is_call(text)) << text;
    }
}

TEST_F(ACall, HasNoMoreValuesThanTheLimit) {
    std::string items = "0";
    for (std::size_t i = 0; i < limits::call_values; ++i) {
        items += ",0";
    }
    EXPECT_FALSE(is_call(R"({"method":"a.B","parameters":{"x":[)" + items + "]}}"));
}

TEST_F(ACall, IsReadWhereAnotherWasBefore) {
    ASSERT_TRUE(is_call(R"({"method":"a.B","more":true,"parameters":{"name":"old"}})"));
    const auto call = read(R"({"method":"c.D"})");
    EXPECT_EQ(call->method, "c.D");
    EXPECT_FALSE(call->more);
    EXPECT_FALSE(call->parameters);
}

TEST_F(ACall, IsWrittenWithItsParameters) {
    EXPECT_EQ(written(Publish{.id = SegmentId(), .name = SegmentName::parse("n")}),
              R"({"method":"io.memshare.Broker.Publish","parameters":)"
              R"({"id":"00000000-0000-0000-0000-000000000000","name":"n"}})");
    EXPECT_EQ(written(Goodbye{}), R"({"method":"io.memshare.Broker.Goodbye","parameters":{}})");
}

TEST_F(ACall, IsWrittenWithTheFlagForWhatItWants) {
    EXPECT_TRUE(read(written(List{}, Wants::more))->more);
    EXPECT_TRUE(read(written(List{}, Wants::nothing))->oneway);
    EXPECT_FALSE(read(written(List{}))->more);
}

TEST_F(ACall, FitsItsLimitsAtItsLargest) {
    Create call;
    call.id = SegmentId::random();
    call.name = SegmentName::parse(std::string(limits::name_bytes, 'n'));
    call.form = Form::array;
    call.element = {.kind = ElementKind::structure,
                    .size = limits::element_bytes,
                    .alignment = 64,
                    .name = std::string(limits::name_bytes, 's'),
                    .fields = std::vector<Field>(limits::fields, {.name = std::string(63, 'f'),
                                                                  .kind = ElementKind::wide_character,
                                                                  .offset = 32768,
                                                                  .count = 8192})};
    call.count = limits::segment_bytes / limits::element_bytes;
    call.shape = std::vector<std::uint64_t>(limits::dimensions, 8);
    call.lifetime = Lifetime::persistent;
    call.mode = call.group = UINT32_MAX;
    call.initial.resize(limits::initial_bytes);
    const std::string text = written(call);
    EXPECT_LE(text.size(), limits::call_bytes);
    EXPECT_TRUE(read_parameters<Create>(read(text)->parameters, Strangers::refuse));
}

TEST_F(AReply, MayBeEmpty) {
    EXPECT_TRUE(is_reply("{}"));
    EXPECT_TRUE(is_reply(R"({"parameters":{}})"));
}

TEST_F(AReply, HasParametersOrAnError) {
    EXPECT_TRUE(read(R"({"parameters":{"token":"t"}})")->parameters);
    EXPECT_EQ(read(R"({"error":"a.E","parameters":{}})")->error, "a.E");
}

TEST_F(AReply, HasNoOtherKey) { EXPECT_FALSE(is_reply(R"({"parameters":{},"method":"a.B"})")); }

TEST_F(AReply, ContinuesOnlyAsTrueOrFalse) {
    EXPECT_TRUE(read(R"({"continues":true})")->continues);
    EXPECT_FALSE(read(R"({"continues":false})")->continues);
    EXPECT_FALSE(is_reply(R"({"continues":null})"));
    EXPECT_FALSE(is_reply(R"({"continues":1})"));
}

TEST_F(AReply, HasAnErrorWithAName) {
    for (const auto* error : {"null", "\"\"", "1", "{}"}) {
        EXPECT_FALSE(is_reply(R"({"error":)" + std::string(error) + "}")) << error;
    }
}

TEST_F(AReply, WithAnErrorDoesNotContinue) {
    EXPECT_FALSE(is_reply(R"({"error":"a.E","continues":true})"));
    EXPECT_TRUE(is_reply(R"({"error":"a.E","continues":false})"));
}

TEST_F(AReply, IsWrittenWithParametersAndNothingElse) {
    EXPECT_EQ(replied(Nothing{}), R"({"parameters":{}})");
    EXPECT_EQ(replied(Hello::Reply{.holder = 1, .token = "t", .version = "0"}),
              R"({"parameters":{"holder":1,"token":"t","version":"0"}})");
}

TEST_F(AReply, IsWrittenToContinueOnlyIfItDoes) {
    EXPECT_EQ(replied(List::Reply{}, true), R"({"parameters":{"segments":[]},"continues":true})");
    EXPECT_EQ(replied(List::Reply{}), R"({"parameters":{"segments":[]}})");
}

TEST_F(AReply, MayTellMoreThanItsReaderKnows) {
    const auto reply = read(R"({"parameters":{"holder":1,"token":"t","version":"9","news":[1]}})");
    ASSERT_TRUE(reply);
    EXPECT_TRUE(read_parameters<Hello::Reply>(reply->parameters, Strangers::ignore));
}

TEST_F(AReply, IsARefusalWithItsNameAndItsParameters) {
    EXPECT_EQ(refused(NoSuchSegment{"num"}),
              R"({"error":"io.memshare.Broker.NoSuchSegment","parameters":{"name":"num"}})");
    EXPECT_EQ(refused(NotResumable{}), R"({"error":"io.memshare.Broker.NotResumable","parameters":{}})");
}

TEST_F(AReply, GivesEveryRefusalBackAsItWas) {
    const std::vector<Refusal> all{NoSuchSegment{"a"},
                                   NameTaken{"b"},
                                   TypeMismatch{"c", "value of f64", "array of 5 i32"},
                                   AccessDenied{"d"},
                                   QuotaExceeded{"bytes", 1, 2, 3},
                                   OutOfMemory{4},
                                   Busy{"h", {{.pid = 1, .uid = 2, .program = "i"}}},
                                   Frozen{"j"},
                                   NotSealed{"k"},
                                   NotResumable{},
                                   InvalidParameter{"element.size"},
                                   InterfaceNotFound{"e"},
                                   MethodNotFound{"f"},
                                   MethodNotImplemented{"g"},
                                   ExpectedMore{}};
    EXPECT_EQ(all.size(), std::variant_size_v<Refusal>);
    for (const Refusal& one : all) {
        const auto back = refusal(refused(one));
        ASSERT_TRUE(back);
        EXPECT_EQ(refused(*back), refused(one));
    }
}

TEST_F(AReply, IsNoRefusalIfItHasNoErrorOfOurs) {
    EXPECT_FALSE(refusal("{}"));
    EXPECT_FALSE(refusal(R"({"error":"org.varlink.service.PermissionDenied"})"));
    EXPECT_FALSE(refusal(R"({"error":"io.memshare.Broker.NameTaken"})")); // whose?
}

} // namespace
} // namespace memshare::proto
