#include "proto/socket_path.h"

#include <cstdlib>

namespace memshare::proto {

std::optional<std::string> user_socket_path() {
    const char* folder = std::getenv("XDG_RUNTIME_DIR");
    if (folder == nullptr || *folder == '\0') {
        return std::nullopt;
    }
    return std::string(folder) + "/memshared/io.memshare.Broker";
}

} // namespace memshare::proto
