// JSON text, written straight into a string that the caller keeps from one message to the next.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace memshare::proto {

class JsonWriter {
  public:
    // Appends to a borrowed string.
    explicit JsonWriter(std::string& out) : out_(out) {}

    void begin_object() { open('{'); }
    void end_object() { close('}'); }
    void begin_array() { open('['); }
    void end_array() { close(']'); }

    // A member's name, one of our own constants that needs no escapes.
    void name(std::string_view name) {
        out_ += first_ ? "\"" : ",\"";
        out_ += name;
        out_ += "\":";
        first_ = true;
    }

    void value(bool value) {
        separate();
        out_ += value ? "true" : "false";
    }
    template <std::integral Integer> void value(Integer value) {
        separate();
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
        out_.append(digits, end);
    }
    // Text must be UTF-8.
    void value(std::string_view text) {
        separate();
        quote(text);
    }

  private:
    void separate() {
        if (!first_) {
            out_ += ',';
        }
        first_ = false;
    }
    void open(char bracket) {
        separate();
        out_ += bracket;
        first_ = true;
    }
    void close(char bracket) {
        out_ += bracket;
        first_ = false;
    }
    void quote(std::string_view text);

    std::string& out_;
    bool first_ = true;
};

} // namespace memshare::proto
