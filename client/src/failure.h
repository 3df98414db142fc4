// Throws memshare::Error with a sentence that says what to do.
#pragma once

#include "proto/error.h"
#include "proto/refusal.h"
#include <memshare/error.hpp>

namespace memshare::client {

// The broker said no to a call about this segment (empty: about none).
[[noreturn]] void throw_refusal(const proto::Refusal& refusal, const std::string& segment);

// The broker said no in a word that this version does not know.
[[noreturn]] void throw_unknown_refusal(std::string_view word, const std::string& segment);

// A system call failed here.
[[noreturn]] void throw_error(const proto::Error& error, const std::string& segment = {});

} // namespace memshare::client
