#include "client/ctl/values.h"

#include "client/ctl/kinds.h"
#include "client/ctl/terminal_text.h"

#include <algorithm>
#include <charconv>
#include <concepts>
#include <limits>
#include <stdexcept>

namespace memshare::ctl {
namespace {

std::string quoted(const std::string& word) { return '"' + word + '"'; }

template <std::integral T> std::string rule_of(ElementKind kind) {
    return "is not a whole number from " + std::to_string(std::numeric_limits<T>::min()) + " to " +
           std::to_string(std::numeric_limits<T>::max()) + ", as " + std::string(abi::name_of(kind)) +
           " takes";
}

template <std::floating_point T> std::string rule_of(ElementKind kind) {
    const std::string largest = std::same_as<T, float> ? "3.4e38" : "1.8e308";
    const std::string least = std::same_as<T, float> ? "1.4e-45" : "5e-324";
    return "is not a number that " + std::string(abi::name_of(kind)) +
           " takes, such as -2.5 or 1e9: it may be at most " + largest + " and, if it is not 0, at least " +
           least + " in size, or inf, -inf or nan";
}

template <typename T> T number_of(ElementKind kind, const std::string& word) {
    T value{};
    const char* const end = word.data() + word.size();
    const auto [stopped, failure] = std::from_chars(word.data(), end, value);
    if (failure != std::errc{} || stopped != end) {
        throw std::invalid_argument(quoted(word) + ' ' + rule_of<T>(kind));
    }
    return value;
}

bool bool_of(const std::string& word) {
    if (word != "true" && word != "false" && word != "1" && word != "0") {
        throw std::invalid_argument(quoted(word) + " is not a bool: say true, false, 1 or 0");
    }
    return word == "true" || word == "1";
}

std::u32string code_points(std::string_view word) {
    std::u32string codes;
    for (std::string_view rest = word; !rest.empty();) {
        const CodePoint next = first_code_point(rest);
        if (next.bytes == 0) {
            throw std::invalid_argument(quoted(std::string(word)) +
                                        " is not UTF-8, which the characters of wchar are taken from; "
                                        "elements of char or u8 can hold any bytes");
        }
        codes += next.code;
        rest.remove_prefix(next.bytes);
    }
    return codes;
}

void append(std::vector<std::byte>& bytes, const auto& value) {
    const auto more = std::as_bytes(std::span(&value, 1));
    bytes.insert(bytes.end(), more.begin(), more.end());
}

void append_word(std::vector<std::byte>& bytes, ElementKind kind, const std::string& word) {
    with_type(kind, [&]<typename T>(T) {
        if constexpr (std::same_as<T, bool>) {
            append(bytes, bool_of(word));
        } else if constexpr (std::same_as<T, char>) {
            std::ranges::for_each(word, [&](char c) { append(bytes, c); });
        } else if constexpr (std::same_as<T, char32_t>) {
            std::ranges::for_each(code_points(word), [&](char32_t c) { append(bytes, c); });
        } else {
            append(bytes, number_of<T>(kind, word));
        }
    });
}

// A text, or one value or several with a comma between two.
std::vector<std::byte> items_of(const Field& field, const std::string& text) {
    std::vector<std::byte> items;
    std::size_t begin = 0;
    while (!is_text(field.kind) && field.count > 1) {
        const std::size_t comma = text.find(',', begin);
        if (comma == std::string::npos) {
            break;
        }
        append_word(items, field.kind, text.substr(begin, comma - begin));
        begin = comma + 1;
    }
    append_word(items, field.kind, text.substr(begin));
    return items;
}

std::string fields_of(const Element& element) {
    std::string names;
    for (const Field& field : element.fields) {
        names += (names.empty() ? "" : ", ") + field.name;
    }
    return names;
}

void set_field(std::vector<std::byte>& bytes, const Element& element, const std::string& word) {
    const std::size_t equals = word.find('=');
    const auto field = std::ranges::find(element.fields, word.substr(0, equals), &Field::name);
    if (element.fields.empty()) {
        throw std::invalid_argument(
            "this struct was made without a description of its fields, so only a "
            "program that knows it can set it");
    }
    if (equals == std::string::npos || field == element.fields.end()) {
        throw std::invalid_argument(quoted(word) + " does not set a field: say FIELD=VALUE with one of " +
                                    fields_of(element));
    }
    const std::size_t size = abi::size_of(field->kind);
    std::vector<std::byte> items = items_of(*field, word.substr(equals + 1));
    if (items.size() > field->count * size) {
        throw std::invalid_argument(quoted(word) + " is too long: the field " + field->name + " has " +
                                    std::to_string(field->count) + ' ' +
                                    std::string(abi::name_of(field->kind)) + ", and these are " +
                                    std::to_string(items.size() / size));
    }
    if (is_text(field->kind)) {
        items.resize(field->count * size); // ends the text, whatever was there before
    }
    std::ranges::copy(items, bytes.begin() + field->offset);
}

} // namespace

std::vector<std::byte> elements_of(const Element& element, std::span<const std::string> words,
                                   std::span<const std::byte> before) {
    std::vector<std::byte> bytes;
    if (element.kind == ElementKind::structure) {
        bytes.assign(before.begin(), before.begin() + element.size);
    }
    for (const std::string& word : words) {
        if (element.kind == ElementKind::structure) {
            set_field(bytes, element, word);
        } else {
            append_word(bytes, element.kind, word);
        }
    }
    return bytes;
}

} // namespace memshare::ctl
