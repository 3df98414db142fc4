#include "client/ctl/arguments.h"

#include <algorithm>
#include <cctype>

namespace memshare::ctl {
namespace {

// "-2", "-.5", "-inf" and "-nan": no option begins like one of these.
bool is_negative_number(const std::string& word) {
    if (word.size() < 2 || word[0] != '-') {
        return false;
    }
    std::string rest = word.substr(1);
    std::ranges::transform(rest, rest.begin(), [](unsigned char c) { return std::tolower(c); });
    return std::isdigit(static_cast<unsigned char>(rest[0])) != 0 || rest[0] == '.' || rest == "inf" ||
           rest == "infinity" || rest == "nan";
}

bool is_option(const std::string& word) {
    return word.size() > 1 && word[0] == '-' && !is_negative_number(word);
}

bool takes_the_next(const std::string& option) { return option == "--at" || option == "--socket"; }

} // namespace

std::vector<std::string> arguments_of(int argc, char** argv) {
    std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    std::vector<std::string> options;
    std::vector<std::string> others;
    for (auto word = words.begin(); word != words.end() && *word != "--"; ++word) {
        (is_option(*word) ? options : others).push_back(*word);
        if (takes_the_next(*word) && word + 1 != words.end()) {
            options.push_back(*++word);
        }
    }
    // An option at the end that lacks its value must not take "--" for it.
    const bool is_whole = options.empty() || !takes_the_next(options.back());
    const bool takes_numbers = !others.empty() && (others.front() == "set" || others.front() == "get");
    if (takes_numbers && is_whole && std::ranges::find(words, "--") == words.end()) {
        words = {others.front()};
        words.insert(words.end(), options.begin(), options.end());
        words.emplace_back("--");
        words.insert(words.end(), others.begin() + 1, others.end());
    }
    std::ranges::reverse(words);
    return words;
}

} // namespace memshare::ctl
