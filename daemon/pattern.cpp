#include "daemon/pattern.h"

#include <cctype>
#include <optional>

namespace memshare::daemon {
namespace {

using Bytes = std::bitset<256>;

std::uint8_t byte(char letter) { return static_cast<std::uint8_t>(letter); }

struct ByteClass {
    std::string_view name;
    int (*holds)(int letter);
};

// As the C locale has them.
constexpr std::array<ByteClass, 12> classes{{{"alnum", [](int c) { return std::isalnum(c); }},
                                             {"alpha", [](int c) { return std::isalpha(c); }},
                                             {"blank", [](int c) { return std::isblank(c); }},
                                             {"cntrl", [](int c) { return std::iscntrl(c); }},
                                             {"digit", [](int c) { return std::isdigit(c); }},
                                             {"graph", [](int c) { return std::isgraph(c); }},
                                             {"lower", [](int c) { return std::islower(c); }},
                                             {"print", [](int c) { return std::isprint(c); }},
                                             {"punct", [](int c) { return std::ispunct(c); }},
                                             {"space", [](int c) { return std::isspace(c); }},
                                             {"upper", [](int c) { return std::isupper(c); }},
                                             {"xdigit", [](int c) { return std::isxdigit(c); }}}};

// A bracket expression, read from its [ on.
class Bracket {
  public:
    explicit Bracket(std::string_view text) : text_(text) {
        if (is_next('!') || is_next('^')) {
            ++at_;
            inverted_ = true;
        }
        bool is_first = true; // a ] that comes first is one of the set
        for (; at_ < text_.size() && !wrong_ && (is_first || text_[at_] != ']'); is_first = false) {
            read_one();
        }
        ends_ = at_ < text_.size();
    }

    // Whether it ends with a ], where its text ends, and whether nothing can match it.
    bool ends() const { return ends_; }
    std::size_t size() const { return at_ + 1; }
    bool is_wrong() const { return wrong_; }
    Bytes accepted() const { return inverted_ ? ~set_ : set_; }

  private:
    bool is_next(char letter, std::size_t further = 0) const {
        return at_ + further < text_.size() && text_[at_ + further] == letter;
    }

    void read_one() {
        if (is_next('[') && ((is_next(':', 1) && read_class()) || (is_next('=', 1) && read_equivalents()))) {
            return;
        }
        const auto from = read_byte();
        const bool is_range = is_next('-') && at_ + 1 < text_.size() && !is_next(']', 1);
        if (!from) {
            return;
        }
        at_ += is_range ? 1U : 0U;
        const auto to = is_range ? read_byte() : from;
        for (unsigned each = *from; to && each <= *to; ++each) {
            set_.set(each);
        }
    }

    // [:name:]; false, if it is none by its form. Of an unknown name nothing can be.
    bool read_class() {
        const std::size_t end = text_.find(":]", at_ + 2);
        if (end == std::string_view::npos) {
            return false;
        }
        const std::string_view name = text_.substr(at_ + 2, end - at_ - 2);
        if (name.find_first_not_of("abcdefghijklmnopqrstuvwxy") != std::string_view::npos) {
            return false;
        }
        at_ = end + 2;
        for (const ByteClass& one : classes) {
            if (one.name == name) {
                for (int each = 0; each < 256; ++each) {
                    set_[static_cast<std::size_t>(each)] =
                        set_[static_cast<std::size_t>(each)] || one.holds(each) != 0;
                }
                return true;
            }
        }
        wrong_ = true;
        return true;
    }

    // [=a=], which is a alone; false, if it is none by its form.
    bool read_equivalents() {
        if (!is_next('=', 3) || !is_next(']', 4)) {
            return false;
        }
        set_.set(byte(text_[at_ + 2]));
        at_ += 5;
        return true;
    }

    // One byte: itself, after a backslash, or as [.a.], as there are no longer names of letters.
    std::optional<std::uint8_t> read_byte() {
        if (is_next('[') && is_next('.', 1)) {
            if (!is_next('.', 3) || !is_next(']', 4)) {
                wrong_ = true;
                return std::nullopt;
            }
            const std::uint8_t one = byte(text_[at_ + 2]);
            at_ += 5;
            return one;
        }
        if (is_next('\\')) {
            ++at_;
        }
        if (at_ >= text_.size()) {
            wrong_ = true;
            return std::nullopt;
        }
        return byte(text_[at_++]);
    }

    std::string_view text_;
    std::size_t at_ = 1;
    Bytes set_;
    bool inverted_ = false, ends_ = false, wrong_ = false;
};

void set(auto& places, std::size_t place) { places[place / 64] |= std::uint64_t{1} << place % 64; }

} // namespace

Pattern::Pattern(std::string_view text) {
    for (std::size_t at = 0; at < text.size() && !never_;) {
        Bytes accepted;
        const char letter = text[at];
        if (letter == '*') {
            set(stays_, last_);
            ++at;
            continue;
        }
        if (letter == '[') {
            const Bracket bracket(text.substr(at));
            never_ = bracket.is_wrong();
            if (bracket.ends()) {
                add(bracket.accepted());
                at += bracket.size();
                continue;
            }
        }
        if (letter == '?') {
            accepted.set();
        } else if (letter == '\\') {
            never_ = never_ || ++at == text.size();
            accepted.set(at < text.size() ? byte(text[at]) : 0);
        } else {
            accepted.set(byte(letter));
        }
        add(accepted);
        ++at;
    }
}

void Pattern::add(const Bytes& accepted) {
    for (std::size_t each = 0; each < accepts_.size(); ++each) {
        if (accepted[each]) {
            set(accepts_[each], last_);
        }
    }
    ++last_;
}

bool Pattern::matches(std::string_view name) const {
    if (never_) {
        return false;
    }
    Places now{1};
    for (const char letter : name) {
        const Places& accepts = accepts_[byte(letter)];
        std::uint64_t carry = 0;
        std::uint64_t any = 0;
        for (std::size_t at = 0; at < words; ++at) {
            const std::uint64_t goes_on = now[at] & accepts[at];
            now[at] = (now[at] & stays_[at]) | goes_on << 1 | carry;
            carry = goes_on >> 63;
            any |= now[at];
        }
        if (any == 0) {
            return false;
        }
    }
    return (now[last_ / 64] >> last_ % 64 & 1) != 0;
}

} // namespace memshare::daemon
