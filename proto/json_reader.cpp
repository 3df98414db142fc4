#include "proto/json_reader.h"

#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>

namespace memshare::proto {

// What the parser tells, in order. Saying false ends the parse.
class JsonListener {
  public:
    using number_integer_t = std::int64_t;
    using number_unsigned_t = std::uint64_t;
    using number_float_t = double;
    using string_t = std::string;
    using binary_t = nlohmann::json::binary_t;

    JsonListener(JsonDocument& document, std::size_t most_values)
        : document_(document), most_values_(most_values) {}

    bool null() { return add(Kind::null); }
    bool boolean(bool value) {
        return add(Kind::boolean, [&](Node& n) { n.boolean = value; });
    }
    bool number_integer(std::int64_t value) {
        return add(Kind::integer, [&](Node& n) { n.integer = value; });
    }
    bool number_unsigned(std::uint64_t value) {
        return add(Kind::natural, [&](Node& n) { n.natural = value; });
    }
    bool number_float(double value, const std::string& /*digits*/) {
        return add(Kind::real, [&](Node& n) { n.real = value; });
    }
    bool string(const std::string& value) {
        const auto at = static_cast<std::uint32_t>(document_.texts_.size());
        document_.texts_ += value;
        return add(Kind::string, [&](Node& n) { n.text = {at, static_cast<std::uint32_t>(value.size())}; });
    }
    bool key(const std::string& value) { return string(value); }
    bool binary(const binary_t& /*value*/) { return false; }
    bool start_object(std::size_t /*size*/) { return open(Kind::object); }
    bool end_object() { return close(); }
    bool start_array(std::size_t /*size*/) { return open(Kind::array); }
    bool end_array() { return close(); }
    bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                     const nlohmann::json::exception& /*why*/) {
        return false;
    }

  private:
    using Kind = JsonDocument::Kind;
    using Node = JsonDocument::Node;

    bool add(Kind kind, auto fill) {
        if (document_.nodes_.size() >= most_values_) {
            return false;
        }
        Node node;
        node.kind = kind;
        fill(node);
        document_.nodes_.push_back(node);
        return true;
    }
    bool add(Kind kind) {
        return add(kind, [](Node&) {});
    }
    bool open(Kind kind) {
        if (document_.open_.size() >= limits::json_depth) {
            return false;
        }
        document_.open_.push_back(static_cast<std::uint32_t>(document_.nodes_.size()));
        return add(kind);
    }
    bool close() {
        const std::uint32_t at = document_.open_.back();
        document_.open_.pop_back();
        document_.nodes_[at].size = static_cast<std::uint32_t>(document_.nodes_.size()) - at;
        return true;
    }

    JsonDocument& document_;
    std::size_t most_values_;
};

std::optional<JsonValue> JsonDocument::parse(std::string_view text, std::size_t most_values) {
    nodes_.clear();
    texts_.clear();
    open_.clear();
    JsonListener listener(*this, most_values);
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &listener)) {
        return std::nullopt;
    }
    return JsonValue(*this, 0);
}

std::optional<bool> JsonValue::boolean() const {
    return node().kind == JsonDocument::Kind::boolean ? std::optional(node().boolean) : std::nullopt;
}

std::optional<std::string_view> JsonValue::string() const {
    if (node().kind != JsonDocument::Kind::string) {
        return std::nullopt;
    }
    return std::string_view(document_.get().texts_).substr(node().text.at, node().text.size);
}

namespace {

// A whole number in words ("65536") or as a fraction (65536.0), if the integer type can hold it. A double is
// exact below 2^63 and 2^64, which it can name itself.
template <typename Integer> std::optional<Integer> whole(std::string_view digits) {
    Integer value{};
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return failure == std::errc{} && end == digits.data() + digits.size() ? std::optional(value)
                                                                          : std::nullopt;
}
template <typename Integer> std::optional<Integer> whole(double real) {
    constexpr auto low = static_cast<double>(std::numeric_limits<Integer>::min());
    const double beyond = std::ldexp(1.0, std::numeric_limits<Integer>::digits);
    return real >= low && real < beyond && std::trunc(real) == real
               ? std::optional(static_cast<Integer>(real))
               : std::nullopt;
}

} // namespace

std::optional<std::int64_t> JsonValue::integer() const {
    switch (node().kind) {
        case JsonDocument::Kind::integer:
            return node().integer;
        case JsonDocument::Kind::natural:
            return node().natural <= std::numeric_limits<std::int64_t>::max()
                       ? std::optional(static_cast<std::int64_t>(node().natural))
                       : std::nullopt;
        case JsonDocument::Kind::real:
            return whole<std::int64_t>(node().real);
        case JsonDocument::Kind::string:
            return whole<std::int64_t>(*string());
        default:
            return std::nullopt;
    }
}

std::optional<std::uint64_t> JsonValue::natural() const {
    switch (node().kind) {
        case JsonDocument::Kind::natural:
            return node().natural;
        case JsonDocument::Kind::real:
            return whole<std::uint64_t>(node().real);
        case JsonDocument::Kind::string:
            return whole<std::uint64_t>(*string());
        default:
            return std::nullopt;
    }
}

} // namespace memshare::proto
