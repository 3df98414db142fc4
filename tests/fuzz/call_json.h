// A call as a client writes it.
#pragma once

#include "tests/fuzz/calls.h"

#include <nlohmann/json.hpp>

#include <functional>

namespace memshare::fuzz {

// The token of a session, by its number.
using TokenOf = std::function<std::string(int session)>;

nlohmann::json json_of(const Call& call, const TokenOf& token_of);

// The names that the interface has for these.
const char* word_of(Access access);
const char* word_of(Lifetime lifetime);

} // namespace memshare::fuzz
