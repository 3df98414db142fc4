// Where brokers listen. A Varlink socket is named after its interface.
#pragma once

#include <optional>
#include <string>

namespace memshare::proto {

inline constexpr const char* system_socket_path = "/run/memshared/io.memshare.Broker";

// The socket of this user's own broker; nothing, if the user has no XDG_RUNTIME_DIR.
std::optional<std::string> user_socket_path();

} // namespace memshare::proto
