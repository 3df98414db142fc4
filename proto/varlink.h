// Varlink messages: a call or a reply as one JSON object. (https://varlink.org/Method-Call)
#pragma once

#include "proto/members.h"
#include "proto/refusal.h"

namespace memshare::proto {

// A call as it came; the views are borrowed from the document that it was read into.
struct Call {
    std::string_view method;
    std::optional<JsonValue> parameters; // an object, if any
    bool more = false, oneway = false, upgrade = false;
};

// Nothing, if the text is not a call: then there is no way to go on with its sender.
std::optional<Call> read_call(JsonDocument& document, std::string_view text);

// A reply as it came.
struct Reply {
    std::optional<JsonValue> parameters;
    std::string_view error; // empty, if it is none
    bool continues = false;
};

std::optional<Reply> read_reply(JsonDocument& document, std::string_view text);

// The refusal that a reply with an error bears, or nothing if it is none of ours.
std::optional<Refusal> read_refusal(const Reply& reply);

// The parameters of a call or reply. None at all mean the same as an empty object.
template <typename T>
Read<T> read_parameters(const std::optional<JsonValue>& parameters, Strangers strangers) {
    JsonDocument none;
    return read_json<T>(parameters ? *parameters : *none.parse("{}"), strangers);
}

// Each of these appends one message, without the NUL that ends it on a stream.

enum class Wants { reply, more, nothing };

template <typename Method> void write_call(std::string& out, const Method& call, Wants wants = Wants::reply) {
    JsonWriter to(out);
    to.begin_object();
    to.name("method");
    to.value(Method::method);
    to.name("parameters");
    write_json(to, call);
    if (wants != Wants::reply) {
        to.name(wants == Wants::more ? "more" : "oneway");
        to.value(true);
    }
    to.end_object();
}

template <typename T> void write_reply(std::string& out, const T& parameters, bool continues = false) {
    JsonWriter to(out);
    to.begin_object();
    to.name("parameters");
    write_json(to, parameters);
    if (continues) {
        to.name("continues");
        to.value(true);
    }
    to.end_object();
}

void write_refusal(std::string& out, const Refusal& refusal);

} // namespace memshare::proto
