#include "client/src/broker_address.h"

#include "client/src/failure.h"
#include "proto/socket_address.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace memshare::client {
namespace {

int connect_to(int socket, const std::string& path) {
    const auto address = proto::SocketAddress::of(path);
    if (!address) {
        throw_error(address.error());
    }
    return ::connect(socket, address->data(), proto::SocketAddress::size()) == 0 ? 0 : errno;
}

// A process without this cannot give up what opens the path to it.
bool is_privileged() { return geteuid() == 0 || geteuid() != getuid(); }

} // namespace

int BrokerAddress::connect(int socket) {
    const int error = connect_to(socket, path_);
    if (error == 0) {
        keep_the_file();
        return 0;
    }
    const bool is_closed_to_us = error == EACCES || error == EPERM || error == ENOENT;
    if (!is_closed_to_us || !file_.is_there()) {
        return error;
    }
    const int by_file = connect_to(socket, "/proc/self/fd/" + std::to_string(file_.number()));
    return by_file == 0 || by_file == EAGAIN || by_file == EINTR ? by_file : error;
}

// Anew each time, as a broker that has started again may have made another file. For want of a descriptor the
// one that it has stays.
void BrokerAddress::keep_the_file() {
    if (!is_privileged()) {
        return;
    }
    if (auto file = proto::Fd::adopt(open(path_.c_str(), O_PATH | O_CLOEXEC))) {
        file_.adopt(std::move(file));
    }
}

} // namespace memshare::client
