#include "proto/varlink.h"

namespace memshare::proto {
namespace {

// Sets a flag from a member, which must be a boolean and come once.
bool take_flag(bool& flag, JsonValue value) {
    const auto given = value.boolean();
    flag = given.value_or(false);
    return given.has_value();
}

bool take_parameters(std::optional<JsonValue>& parameters, JsonValue value) {
    if (!value.is_null()) {
        parameters = value;
    }
    return value.is_null() || value.is_object();
}

bool take_text(std::string_view& text, JsonValue value) {
    const auto given = value.string();
    text = given.value_or("");
    return !text.empty();
}

template <std::size_t... index>
bool read_refusal_as(std::optional<Refusal>& refusal, const Reply& reply, std::index_sequence<index...>) {
    const auto read_one = [&]<typename T>(std::type_identity<T>) {
        if (T::error == reply.error) {
            if (auto told = read_parameters<T>(reply.parameters, Strangers::ignore)) {
                refusal = *std::move(told);
            }
            return true;
        }
        return false;
    };
    return (read_one(std::type_identity<std::variant_alternative_t<index, Refusal>>{}) || ...);
}

} // namespace

std::optional<Call> read_call(JsonDocument& document, std::string_view text) {
    const auto root = document.parse(text);
    if (!root || !root->is_object()) {
        return std::nullopt;
    }
    Call call;
    const bool whole = root->members([&](std::string_view name, JsonValue value) {
        return name == "method"       ? take_text(call.method, value)
               : name == "parameters" ? take_parameters(call.parameters, value)
               : name == "more"       ? take_flag(call.more, value)
               : name == "oneway"     ? take_flag(call.oneway, value)
               : name == "upgrade"    ? take_flag(call.upgrade, value)
                                      : false;
    });
    const int flags = int{call.more} + int{call.oneway} + int{call.upgrade};
    return whole && !call.method.empty() && flags <= 1 ? std::optional(call) : std::nullopt;
}

std::optional<Reply> read_reply(JsonDocument& document, std::string_view text) {
    const auto root = document.parse(text, limits::reply_bytes);
    if (!root || !root->is_object()) {
        return std::nullopt;
    }
    Reply reply;
    const bool whole = root->members([&](std::string_view name, JsonValue value) {
        return name == "parameters"  ? take_parameters(reply.parameters, value)
               : name == "error"     ? take_text(reply.error, value)
               : name == "continues" ? take_flag(reply.continues, value)
                                     : false;
    });
    return whole && !(reply.continues && !reply.error.empty()) ? std::optional(reply) : std::nullopt;
}

std::optional<Refusal> read_refusal(const Reply& reply) {
    std::optional<Refusal> refusal;
    read_refusal_as(refusal, reply, std::make_index_sequence<std::variant_size_v<Refusal>>{});
    return refusal;
}

void write_refusal(std::string& out, const Refusal& refusal) {
    JsonWriter to(out);
    to.begin_object();
    std::visit(
        [&](const auto& told) {
            to.name("error");
            to.value(told.error);
            to.name("parameters");
            write_json(to, told);
        },
        refusal);
    to.end_object();
}

} // namespace memshare::proto
