// What each command does.
#pragma once

#include <memshare/broker.hpp>
#include <memshare/error.hpp>
#include <memshare/options.hpp>
#include <memshare/segment.hpp>

#include <optional>
#include <string>
#include <vector>

namespace memshare::ctl {

struct CreateArguments {
    std::string name, kind;
    std::optional<std::uint64_t> count; // none: a value
    std::vector<std::uint64_t> shape;
    CreateOptions options{.lifetime = Lifetime::persistent};
};

// What the library says of a segment, with its name if the sentence does not have it.
std::string sentence_of(const Error& error, const std::string& name);

// Maps a segment by its name or id. Throws what the broker's calls do.
Segment open(Broker& broker, const std::string& name_or_id, Access access);

// These print to standard output, and throw std::system_error if that fails.
void list(Broker& broker, const std::string& pattern, bool as_json);
void show(Broker& broker, const std::string& name, bool as_json);
void create(Broker& broker, CreateArguments arguments);
void get(Broker& broker, const std::string& name, const std::string& range);
void set(Broker& broker, const std::string& name, const std::vector<std::string>& words, std::size_t first);

// Each of these does its work for every name, tells on standard error for which it failed and why, and
// returns whether it failed for none.
bool destroy(Broker& broker, const std::vector<std::string>& names);
bool change(Broker& broker, const std::vector<std::string>& names, const Changed& to);
bool freeze(Broker& broker, const std::vector<std::string>& names);

// Prints what is used of what is limited, and what the broker has done.
void stats(Broker& broker, bool as_json);

// Prints what is wrong, if anything is; whether nothing is.
bool doctor(Broker& broker);

// Prints what happens, as it happens, until it is interrupted.
void watch(Broker& broker, const std::string& pattern, bool as_json);

} // namespace memshare::ctl
