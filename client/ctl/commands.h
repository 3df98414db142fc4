// What each command does.
#pragma once

#include <memshare/broker.hpp>
#include <memshare/options.hpp>

#include <optional>
#include <string>
#include <vector>

namespace memshare::ctl {

// A part of an array: "3", "2:5", ":5", "2:" (as in Python: from the first up to, without, the last).
struct Range {
    std::size_t first = 0, last = 0;
    bool is_one = false;

    // Throws std::invalid_argument, if it is none or not within the count.
    static Range of(const std::string& text, std::size_t count);
};

struct CreateArguments {
    std::string name, kind;
    std::optional<std::uint64_t> count; // none: a value
    std::vector<std::uint64_t> shape;
    CreateOptions options{.lifetime = Lifetime::persistent};
};

void list(Broker& broker, const std::string& pattern, bool as_json);
void show(Broker& broker, const std::string& name, bool as_json);
void create(Broker& broker, CreateArguments arguments);
void get(Broker& broker, const std::string& name, const std::string& range);
void set(Broker& broker, const std::string& name, const std::vector<std::string>& words, std::size_t first);
void destroy(Broker& broker, const std::vector<std::string>& names);
void change(Broker& broker, const std::vector<std::string>& names, const Changed& to);
void freeze(Broker& broker, const std::vector<std::string>& names);

// Prints what is used of what is limited, and what the broker has done.
void stats(Broker& broker, bool as_json);

// Prints what is wrong, if anything is; whether nothing is.
bool doctor(Broker& broker);

// A file's mode in octal, "0640", and a group by its name or number. They throw std::invalid_argument.
std::uint32_t mode_of(const std::string& octal);
std::uint32_t group_of(const std::string& name_or_number);

// Prints what happens, as it happens, until it is interrupted.
void watch(Broker& broker, const std::string& pattern, bool as_json);

} // namespace memshare::ctl
