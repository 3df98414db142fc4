#include "proto/json_reader.h"

#include "proto/utf8.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace memshare::proto {

// Goes through the text once. Each function takes what it is named after from the front of the text, adds it
// to the document, and says whether it was there. (The grammar is that of RFC 8259.)
class JsonParser {
  public:
    JsonParser(JsonDocument& document, std::string_view text, std::size_t most_values)
        : document_(document), at_(text.data()), end_(text.data() + text.size()), most_values_(most_values) {}

    bool whole_text() {
        if (!value_begin()) {
            return false;
        }
        while (!document_.open_.empty()) {
            if (!rest_of_container()) {
                return false;
            }
        }
        skip_space();
        return at_ == end_;
    }

  private:
    using Kind = JsonDocument::Kind;
    using Node = JsonDocument::Node;

    // A whole plain value, or the beginning of an object or array, which is then open.
    bool value_begin() {
        skip_space();
        switch (peek()) {
            case '{':
                return open(Kind::object);
            case '[':
                return open(Kind::array);
            case '"':
                return string();
            case 't':
                return word("true") && add_boolean(true);
            case 'f':
                return word("false") && add_boolean(false);
            case 'n':
                return word("null") && add(Kind::null) != nullptr;
            default:
                return number();
        }
    }

    // The end of the innermost open object or array, or its next member or item up to where that opens
    // another.
    bool rest_of_container() {
        const Node& container = document_.nodes_[document_.open_.back()];
        const bool is_object = container.kind == Kind::object;
        const bool is_empty = document_.open_.back() + 1 == document_.nodes_.size();
        skip_space();
        if (take(is_object ? '}' : ']')) {
            close();
            return true;
        }
        if (!is_empty && !take(',')) {
            return false;
        }
        if (!is_object) {
            return value_begin();
        }
        skip_space();
        if (peek() != '"' || !string()) {
            return false;
        }
        skip_space();
        return take(':') && value_begin();
    }

    bool string() {
        ++at_; // the quote
        const char* const start = at_;
        while (true) {
            skip_plain_ascii();
            if (peek() == '"') {
                break;
            }
            if (peek() == '\\') {
                return string_with_escapes(start);
            }
            if (!character()) {
                return false;
            }
        }
        const auto size = static_cast<std::size_t>(at_ - start);
        ++at_;
        return add_text({.at = start, .size = size});
    }

    bool string_with_escapes(const char* start) {
        std::string& to = document_.unescaped_;
        const std::size_t begin = to.size();
        to.append(start, at_);
        while (!take('"')) {
            const char* const from = at_;
            if (peek() == '\\' ? !escape() : !character()) {
                return false;
            }
            if (*from != '\\') {
                to.append(from, at_);
            }
        }
        return add_text({.at = to.data() + begin, .size = to.size() - begin});
    }

    // Eight characters at a time: `special` has a bit set above the first that is not plain, and nothing
    // below. (S. E. Anderson, "Bit Twiddling Hacks", on bytes less than n.)
    void skip_plain_ascii() {
        constexpr std::uint64_t each = 0x0101010101010101;
        for (std::uint64_t eight = 0; end_ - at_ >= 8; at_ += 8) {
            std::memcpy(&eight, at_, sizeof(eight));
            const std::uint64_t special =
                ((eight ^ each * '"') - each) | ((eight ^ each * '\\') - each) | (eight - each * ' ') | eight;
            if (const std::uint64_t tops = special & each * 0x80; tops != 0) {
                at_ += std::countr_zero(tops) / 8;
                return;
            }
        }
        while (at_ != end_ && *at_ >= ' ' && *at_ != '"' && *at_ != '\\') { // beyond ASCII is below 0
            ++at_;
        }
    }

    // One character that stands for itself. The end of the text, which peeks as 0, is not one.
    bool character() {
        if (peek() < 0x20) {
            return false;
        }
        const std::size_t length = utf8_sequence({at_, end_});
        at_ += length;
        return length != 0;
    }

    bool escape() {
        static constexpr std::string_view letters = "\"\\/bfnrt";
        static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
        ++at_; // the backslash
        if (take('u')) {
            return escaped_code_point();
        }
        const std::size_t which = at_ == end_ ? std::string_view::npos : letters.find(*at_);
        if (which == std::string_view::npos) {
            return false;
        }
        ++at_;
        document_.unescaped_ += meanings[which];
        return true;
    }

    bool escaped_code_point() {
        const auto first = code_unit();
        if (!first || (*first >= 0xDC00 && *first < 0xE000)) {
            return false;
        }
        char32_t code = *first;
        if (code >= 0xD800 && code < 0xDC00) { // the first of a surrogate pair
            const bool again = take('\\') && take('u');
            const auto second = again ? code_unit() : std::nullopt;
            if (!second || *second < 0xDC00 || *second >= 0xE000) {
                return false;
            }
            code = 0x10000 + ((code - 0xD800) << 10) + (*second - 0xDC00);
        }
        append_utf8(document_.unescaped_, code);
        return true;
    }

    std::optional<std::uint32_t> code_unit() {
        constexpr std::ptrdiff_t digits = 4;
        if (end_ - at_ < digits) {
            return std::nullopt;
        }
        std::uint32_t unit = 0;
        const auto [stopped, failure] = std::from_chars(at_, at_ + digits, unit, 16);
        if (failure != std::errc{} || stopped != at_ + digits) {
            return std::nullopt;
        }
        at_ += digits;
        return unit;
    }

    bool number() {
        const char* const start = at_;
        const bool below_zero = take('-');
        const char* const first = at_;
        const std::uint64_t natural = digits();
        const std::ptrdiff_t count = at_ - first;
        if (count == 0 || (*first == '0' && count > 1)) {
            return false;
        }
        const bool is_whole = peek() != '.' && (peek() | 0x20U) != 'e';
        if (!is_whole && !fraction_and_exponent()) {
            return false;
        }
        Node* node = add(Kind::real);
        if (node == nullptr) {
            return false;
        }
        if (is_whole && !below_zero && count <= std::numeric_limits<std::uint64_t>::digits10) {
            node->kind = Kind::natural;
            node->natural = natural;
            return true;
        }
        if (is_whole && !below_zero && read(start, node->natural)) {
            node->kind = Kind::natural;
            return true;
        }
        if (is_whole && below_zero && read(start, node->integer)) {
            node->kind = Kind::integer;
            return true;
        }
        return read(start, node->real); // not, if it is beyond what a double can be
    }

    bool fraction_and_exponent() {
        if (take('.') && !some_digits()) {
            return false;
        }
        if (take('e') || take('E')) {
            static_cast<void>(take('+') || take('-'));
            return some_digits();
        }
        return true;
    }

    template <typename T> bool read(const char* start, T& into) const {
        return std::from_chars(start, at_, into).ec == std::errc{};
    }

    // What the digits here stand for, unless they are too many.
    std::uint64_t digits() {
        std::uint64_t value = 0;
        for (; at_ != end_ && *at_ >= '0' && *at_ <= '9'; ++at_) {
            value = value * 10 + static_cast<std::uint64_t>(*at_ - '0');
        }
        return value;
    }

    bool some_digits() {
        const char* const start = at_;
        digits();
        return at_ != start;
    }

    bool word(std::string_view expected) {
        const bool is_there = std::string_view(at_, end_).starts_with(expected);
        at_ += is_there ? expected.size() : 0;
        return is_there;
    }

    void skip_space() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) {
            ++at_;
        }
    }

    // The next byte as a number; 0 at the end, as no message holds a NUL.
    unsigned peek() const { return at_ == end_ ? 0 : static_cast<unsigned char>(*at_); }

    bool take(char expected) {
        const bool is_there = at_ != end_ && *at_ == expected;
        at_ += is_there ? 1 : 0;
        return is_there;
    }

    bool add_text(JsonDocument::Text text) {
        Node* node = add(Kind::string);
        if (node != nullptr) {
            node->text = text;
        }
        return node != nullptr;
    }

    bool add_boolean(bool value) {
        Node* node = add(Kind::boolean);
        if (node != nullptr) {
            node->boolean = value;
        }
        return node != nullptr;
    }

    // Nothing, if there are too many.
    Node* add(Kind kind) {
        if (document_.nodes_.size() >= most_values_) {
            return nullptr;
        }
        Node& node = document_.nodes_.emplace_back();
        node.kind = kind;
        return &node;
    }

    bool open(Kind kind) {
        if (document_.open_.size() >= limits::json_depth) {
            return false;
        }
        ++at_; // the bracket
        document_.open_.push_back(static_cast<std::uint32_t>(document_.nodes_.size()));
        return add(kind) != nullptr;
    }

    void close() {
        const std::uint32_t at = document_.open_.back();
        document_.open_.pop_back();
        document_.nodes_[at].size = static_cast<std::uint32_t>(document_.nodes_.size()) - at;
    }

    JsonDocument& document_;
    const char* at_;
    const char* end_;
    std::size_t most_values_;
};

std::optional<JsonValue> JsonDocument::parse(std::string_view text, std::size_t most_values) {
    nodes_.clear();
    unescaped_.clear();
    unescaped_.reserve(text.size()); // no string grows when its escapes are undone
    open_.clear();
    if (!JsonParser(*this, text, most_values).whole_text()) {
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
    return std::string_view(node().text.at, node().text.size);
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

std::optional<std::uint64_t> JsonValue::natural_otherwise() const {
    switch (node().kind) {
        case JsonDocument::Kind::integer:
            return node().integer == 0 ? std::optional(std::uint64_t{0}) : std::nullopt; // written as -0
        case JsonDocument::Kind::real:
            return whole<std::uint64_t>(node().real);
        case JsonDocument::Kind::string:
            return whole<std::uint64_t>(*string());
        default:
            return std::nullopt;
    }
}

} // namespace memshare::proto
