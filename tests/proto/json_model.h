// What nlohmann's parser makes of a text, to hold our own reader against.
#pragma once

#include "proto/json_reader.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <string_view>

namespace memshare::test {

// A value retold in a way of its own: numbers as what they are as integers, strings with their length.
class JsonTale {
  public:
    static std::string of_number(std::optional<std::uint64_t> natural, std::optional<std::int64_t> integer) {
        return " " + (natural ? std::to_string(*natural) : "no") + "/" +
               (integer ? std::to_string(*integer) : "no");
    }
    static std::string of_string(std::string_view text) {
        return " " + std::to_string(text.size()) + ":" + std::string(text);
    }

    static std::string of(proto::JsonValue value) {
        if (value.is_object()) {
            std::string tale = " {";
            value.members([&](std::string_view name, proto::JsonValue member) {
                tale += of_string(name) + of(member);
                return true;
            });
            return tale + " }";
        }
        if (value.is_array()) {
            std::string tale = " [";
            value.items([&](proto::JsonValue item) {
                tale += of(item);
                return true;
            });
            return tale + " ]";
        }
        const auto text = value.string();
        const auto flag = value.boolean();
        return value.is_null() ? " null"
               : flag          ? *flag ? " true" : " false"
               : text          ? of_string(*text)
                               : of_number(value.natural(), value.integer());
    }
};

class JsonModel : private nlohmann::json_sax<nlohmann::json> {
  public:
    // What a text tells, or nothing if it is no JSON within our limits.
    static std::optional<std::string> told(std::string_view text) {
        // These the other one lets pass: a byte order mark, and a NUL as the end of the text.
        if (text.starts_with("\xEF\xBB\xBF") || text.find('\0') != std::string_view::npos) {
            return std::nullopt;
        }
        JsonModel model;
        nlohmann::json_sax<nlohmann::json>* listener = &model;
        const bool whole = nlohmann::json::sax_parse(text.begin(), text.end(), listener);
        return whole ? std::optional(model.tale_) : std::nullopt;
    }

  private:
    bool add(const std::string& tale) {
        tale_ += tale;
        return ++values_ <= proto::limits::call_values;
    }
    bool open(const std::string& tale) { return ++depth_ <= proto::limits::json_depth && add(tale); }
    bool close(const std::string& tale) {
        --depth_;
        tale_ += tale;
        return true;
    }

    bool null() override { return add(" null"); }
    bool boolean(bool value) override { return add(value ? " true" : " false"); }
    bool number_integer(std::int64_t value) override {
        return add(JsonTale::of_number(value == 0 ? std::optional<std::uint64_t>(0) : std::nullopt, value));
    }
    bool number_unsigned(std::uint64_t value) override {
        return add(JsonTale::of_number(
            value, value <= INT64_MAX ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt));
    }
    bool number_float(double value, const std::string& digits) override {
        const auto mantissa = std::string_view(digits).substr(0, digits.find_first_of("eE"));
        if (value == 0 && mantissa.find_first_of("123456789") != std::string_view::npos) {
            return false; // ours takes no number that is smaller than all doubles
        }
        const bool whole = std::trunc(value) == value;
        std::optional<std::uint64_t> natural;
        if (whole && value >= 0 && value < 18446744073709551616.0) {
            natural = static_cast<std::uint64_t>(value);
        }
        std::optional<std::int64_t> integer;
        if (whole && value >= -9223372036854775808.0 && value < 9223372036854775808.0) {
            integer = static_cast<std::int64_t>(value);
        }
        return add(JsonTale::of_number(natural, integer));
    }
    bool string(std::string& value) override { return add(JsonTale::of_string(value)); }
    bool key(std::string& value) override { return add(JsonTale::of_string(value)); }
    bool binary(nlohmann::json::binary_t& /*value*/) override { return false; }
    bool start_object(std::size_t /*size*/) override { return open(" {"); }
    bool end_object() override { return close(" }"); }
    bool start_array(std::size_t /*size*/) override { return open(" ["); }
    bool end_array() override { return close(" ]"); }
    bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                     const nlohmann::json::exception& /*why*/) override {
        return false;
    }

    std::string tale_;
    std::size_t values_ = 0, depth_ = 0;
};

// What our own reader makes of it.
inline std::optional<std::string> told_by_ours(proto::JsonDocument& document, std::string_view text) {
    const auto value = document.parse(text);
    return value ? std::optional(JsonTale::of(*value)) : std::nullopt;
}

} // namespace memshare::test
