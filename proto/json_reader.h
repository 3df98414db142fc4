// JSON text, read once into a flat list of values.
//
// Written by hand, and checked against nlohmann's parser by a test and the fuzzer: that one, even by SAX and
// without its tree, executes 70 instructions a character, which made it half of all that a call cost on
// either side. The list keeps its memory from one message to the next. Members are found in any order, as a
// Varlink peer may send its parameters before its method.
#pragma once

#include "proto/limits.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace memshare::proto {

class JsonValue;

class JsonDocument {
  public:
    // The root, or nothing if the text is not one JSON value in UTF-8 within these bounds. The text is
    // borrowed for as long as the values are used. What was read before, and all its values, are gone.
    std::optional<JsonValue> parse(std::string_view text, std::size_t most_values = limits::call_values);

  private:
    friend class JsonValue;
    friend class JsonParser;

    enum class Kind : std::uint8_t { null, boolean, integer, natural, real, string, object, array };

    struct Text {
        const char* at;
        std::size_t size;
    };
    struct Node {
        Kind kind{};
        std::uint32_t size = 1; // with all that is inside
        union {
            bool boolean;
            std::int64_t integer; // below zero
            std::uint64_t natural = 0;
            double real;
            Text text;
        };
    };

    std::vector<Node> nodes_; // an object's members are a string, its value, a string, its value...
    std::string unescaped_;   // the strings that had escapes; it does not grow while a text is read
    std::vector<std::uint32_t> open_;
};

// One value of a document; borrowed from it.
class JsonValue {
  public:
    bool is_null() const { return node().kind == JsonDocument::Kind::null; }
    bool is_object() const { return node().kind == JsonDocument::Kind::object; }
    bool is_array() const { return node().kind == JsonDocument::Kind::array; }

    // Nothing, if it is of another kind. An integer may also be written as "65536" or 65536.0.
    std::optional<bool> boolean() const;
    std::optional<std::int64_t> integer() const;
    std::optional<std::uint64_t> natural() const {
        return node().kind == JsonDocument::Kind::natural ? node().natural : natural_otherwise();
    }
    std::optional<std::string_view> string() const;

    // Calls each(name, value) for the members of an object, or each(value) for the items of an array, while
    // it says true. Returns whether all said so.
    template <typename Each> bool members(Each each) const {
        for (std::uint32_t at = at_ + 1; at < at_ + node().size;) {
            const JsonValue name(document_, at);
            const JsonValue value(document_, at + 1);
            if (!each(*name.string(), value)) {
                return false;
            }
            at += 1 + value.node().size;
        }
        return true;
    }
    template <typename Each> bool items(Each each) const {
        for (std::uint32_t at = at_ + 1; at < at_ + node().size;) {
            const JsonValue value(document_, at);
            if (!each(value)) {
                return false;
            }
            at += value.node().size;
        }
        return true;
    }

  private:
    friend class JsonDocument;

    JsonValue(const JsonDocument& document, std::uint32_t at) : document_(document), at_(at) {}
    std::optional<std::uint64_t> natural_otherwise() const;
    const JsonDocument::Node& node() const { return document_.get().nodes_[at_]; }

    std::reference_wrapper<const JsonDocument> document_;
    std::uint32_t at_;
};

} // namespace memshare::proto
