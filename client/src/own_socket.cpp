#include "client/src/own_socket.h"

#include <sys/stat.h>

#include <utility>

namespace memshare::client {

void OwnSocket::adopt(proto::Fd socket) {
    close();
    struct stat status{};
    fstat(socket.number(), &status);
    fd_ = std::move(socket);
    device_ = status.st_dev;
    inode_ = status.st_ino;
}

bool OwnSocket::is_there() const {
    struct stat status{};
    return fd_ && fstat(fd_.number(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
}

void OwnSocket::close() {
    if (is_there()) {
        fd_.close();
    } else {
        static_cast<void>(fd_.release()); // whoever has closed it has it closed
    }
}

} // namespace memshare::client
