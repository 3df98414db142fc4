// JSON text, written straight into a string that the caller keeps from one message to the next.
#pragma once

#include <array>
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
        const std::size_t at = out_.size();
        const std::size_t start = first_ ? 0 : 1;
        out_.resize(at + start + name.size() + 3, ','); // in one go, as most of a reply is names
        char* const to = out_.data() + at + start;
        to[0] = '"';
        std::char_traits<char>::copy(to + 1, name.data(), name.size());
        to[name.size() + 1] = '"';
        to[name.size() + 2] = ':';
        first_ = true;
    }

    void value(bool value) {
        separate();
        out_ += value ? "true" : "false";
    }
    template <std::integral Integer> void value(Integer value) {
        separate();
        std::array<char, 24> digits; // NOLINT(*-member-init): written here, as far as it is read
        const char* const end = std::to_chars(digits.begin(), digits.end(), value).ptr;
        out_ += std::string_view(digits.data(), end);
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
    void escape(char special);

    std::string& out_;
    bool first_ = true;
};

} // namespace memshare::proto
