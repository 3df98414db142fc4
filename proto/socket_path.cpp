#include "proto/socket_path.h"

#include <sys/un.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace memshare::proto {

std::optional<std::string> user_socket_path() {
    const char* folder = std::getenv("XDG_RUNTIME_DIR");
    if (folder == nullptr || *folder == '\0') {
        return std::nullopt;
    }
    return std::string(folder) + "/memshared/io.memshare.Broker";
}

std::string absolute_socket_path(std::string_view path) {
    std::error_code failure;
    std::string absolute = std::filesystem::absolute(path, failure).lexically_normal().string();
    if (path.empty() || failure || absolute.size() >= sizeof(sockaddr_un::sun_path)) {
        return std::string(path);
    }
    return absolute;
}

} // namespace memshare::proto
