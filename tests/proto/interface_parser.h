// The interface description language of Varlink, as strictly as the strictest parser in the field takes it.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace memshare::test {

struct Declaration {
    std::string keyword;  // "type", "method" or "error"
    std::string name;     // "Hello"
    std::string text;     // "(token: ?string) -> ()": in one line, without comments
    bool is_documented{}; // has a comment before it
};

struct Interface {
    std::string name;
    std::vector<Declaration> declarations;
};

class InterfaceParser {
  public:
    // Throws std::runtime_error with the place of the first mistake.
    static Interface parse(std::string_view text) { return InterfaceParser(text).interface(); }

  private:
    explicit InterfaceParser(std::string_view text) : rest_(text) {}

    Interface interface() {
        comments();
        expect("interface");
        Interface result{.name = word("."), .declarations = {}};
        while (true) {
            const bool documented = comments();
            if (rest_.empty()) {
                return result;
            }
            result.declarations.push_back(declaration(documented));
        }
    }

    Declaration declaration(bool documented) {
        Declaration made{.keyword = word(), .name = word(), .text = {}, .is_documented = documented};
        if (made.name.front() < 'A' || made.name.front() > 'Z') {
            fail("a name with a capital");
        }
        if (made.keyword == "method") {
            made.text = fields() + " -> ";
            expect("->");
            made.text += fields();
        } else if (made.keyword == "type" || made.keyword == "error") {
            made.text = fields();
            if (made.keyword == "type" && made.text == "()") {
                fail("a type that is not empty");
            }
        } else {
            fail("type, method or error");
        }
        return made;
    }

    // A struct or an enumeration. Comments may stand before a field, and not before the last bracket.
    std::string fields() {
        expect("(");
        if (skip(")")) {
            return "()";
        }
        std::string text = "(";
        while (true) {
            comments();
            text += word("_");
            if (skip(":")) {
                text += ": " + type();
            }
            if (skip(")")) {
                return text + ")";
            }
            expect(",");
            text += ", ";
        }
    }

    // No containers in containers, and no optional in anything.
    std::string type() {
        std::string text = skip("?") ? "?" : "";
        text += skip("[]") ? "[]" : skip("[string]") ? "[string]" : "";
        return text + (rest_.starts_with('(') ? fields() : word());
    }

    std::string word(std::string_view also = "") {
        blanks();
        const auto is_part = [&](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   also.find(c) != std::string_view::npos;
        };
        std::string text;
        for (; !rest_.empty() && is_part(rest_.front()); rest_.remove_prefix(1)) {
            text += rest_.front();
        }
        if (text.empty()) {
            fail("a word");
        }
        return text;
    }

    bool comments() {
        bool any = false;
        for (blanks(); rest_.starts_with('#'); blanks()) {
            any = true;
            rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
        }
        return any;
    }

    void blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size())); }

    bool skip(std::string_view mark) {
        blanks();
        const bool found = rest_.starts_with(mark);
        rest_.remove_prefix(found ? mark.size() : 0);
        return found;
    }

    void expect(std::string_view mark) {
        if (!skip(mark)) {
            fail(mark);
        }
    }

    [[noreturn]] void fail(std::string_view expected) const {
        throw std::runtime_error("expected " + std::string(expected) +
                                 " before: " + std::string(rest_.substr(0, 60)));
    }

    std::string_view rest_;
};

} // namespace memshare::test
