// Where brokers listen. A Varlink socket is named after its interface.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace memshare::proto {

inline constexpr const char* system_socket_path = "/run/memshared/io.memshare.Broker";

// The socket of this user's own broker; nothing, if the user has no XDG_RUNTIME_DIR.
std::optional<std::string> user_socket_path();

// The same path from the root, so that it means the same after a chdir(2). As it is, if the current folder
// cannot be told, or if it would be too long for the address of a socket.
std::string absolute_socket_path(std::string_view path);

} // namespace memshare::proto
