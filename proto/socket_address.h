// The address of a Unix socket in the file system.
#pragma once

#include "proto/error.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string_view>

namespace memshare::proto {

struct SocketAddress {
    sockaddr_un address{};

    // An error, if the path is longer than the 107 bytes that the kernel takes.
    static Result<SocketAddress> of(std::string_view path) {
        SocketAddress made;
        made.address.sun_family = AF_UNIX;
        if (path.empty() || path.size() >= sizeof(made.address.sun_path)) {
            return system_error("use " + std::string(path) + " as a socket", ENAMETOOLONG);
        }
        std::memcpy(made.address.sun_path, path.data(), path.size());
        return made;
    }

    const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&address); }
    static constexpr socklen_t size() { return sizeof(sockaddr_un); }
};

} // namespace memshare::proto
