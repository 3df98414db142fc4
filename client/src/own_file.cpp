#include "client/src/own_file.h"

#include <sys/stat.h>

#include <utility>

namespace memshare::client {

OwnFile::OwnFile(OwnFile&& other) noexcept
    : fd_(std::move(other.fd_)), device_(other.device_), inode_(other.inode_) {}

OwnFile& OwnFile::operator=(OwnFile&& other) noexcept {
    if (this != &other) {
        close();
        fd_ = std::move(other.fd_);
        device_ = other.device_;
        inode_ = other.inode_;
    }
    return *this;
}

void OwnFile::adopt(proto::Fd file) {
    close();
    struct stat status{};
    fstat(file.number(), &status);
    fd_ = std::move(file);
    device_ = status.st_dev;
    inode_ = status.st_ino;
}

bool OwnFile::is_there() const {
    struct stat status{};
    return fd_ && fstat(fd_.number(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
}

void OwnFile::close() {
    if (is_there()) {
        fd_.close();
    } else {
        static_cast<void>(fd_.release()); // the program has closed it
    }
}

} // namespace memshare::client
