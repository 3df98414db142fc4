// What can go wrong, as an exception.
#pragma once

#include <memshare/export.hpp>

#include <memory>
#include <string>
#include <system_error>

namespace memshare {

enum class Errc {
    no_such_segment = 1, // none has this name, or it has ended
    name_taken,          // another segment has this name
    type_mismatch,       // the segment is of another form, element or length than expected
    access_denied,       // the segment's mode or owner does not allow it
    quota_exceeded,      // a limit of the broker's is reached
    out_of_memory,       // the machine cannot give this much
    invalid_argument,    // a name, a length or another argument that cannot be
    no_broker,           // nobody listens at the socket
    broker_lost,         // the broker went away for too long, or did not answer, in the middle of a call
    protocol_violation,  // what came as an answer is not one
    busy,                // somebody still has it mapped for writing
    frozen,              // nobody can write to it any more
    refused,             // the broker said no in a way that this version does not know
    not_sealed, // no seal against writing is on its memory yet; freeze() adds it, so it never says this
};

MEMSHARE_EXPORT const std::error_category& error_category() noexcept;

inline std::error_code make_error_code(Errc code) noexcept {
    return {static_cast<int>(code), error_category()};
}

// Everything that this library throws, besides std::out_of_range and std::bad_alloc. Its code() is an Errc,
// or of the system category where a system call failed; an Errc that the system has a word for equals that,
// as Errc::invalid_argument equals std::errc::invalid_argument. what() is a sentence for whoever has to act
// on it.
class MEMSHARE_EXPORT Error : public std::system_error {
  public:
    Error(std::error_code code, std::string sentence, std::string segment = {});

    const char* what() const noexcept override;

    // The name or id of the segment that it is about; empty, if it is about none.
    const std::string& segment() const noexcept;

  private:
    struct Words;
    std::shared_ptr<const Words> words_; // shared, as a copy of an exception must not throw
};

} // namespace memshare

template <> struct std::is_error_code_enum<memshare::Errc> : std::true_type {};
