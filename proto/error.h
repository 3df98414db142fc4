// What the world did to us, as a value: a system call that failed, or a peer that broke the protocol.
//
// What a broker *answers* when it says no is not an error of ours but a reply; see refusal.h.
#pragma once

#include <cerrno>
#include <expected>
#include <string>
#include <system_error>

namespace memshare::proto {

struct Error {
    std::error_code code; // of the system, or std::errc::protocol_error, or std::errc::connection_reset
    std::string during;   // what was being done: "memfd_create", "read a reply"

    std::string sentence() const { return during + ": " + code.message(); }
};

template <typename T> using Result = std::expected<T, Error>;

// The failure of the system call just made. To be called before anything that may change errno.
inline std::unexpected<Error> system_error(std::string during, int number = errno) {
    return std::unexpected(Error{{number, std::system_category()}, std::move(during)});
}

inline std::unexpected<Error> protocol_error(std::string what) {
    return std::unexpected(Error{std::make_error_code(std::errc::protocol_error), std::move(what)});
}

} // namespace memshare::proto
