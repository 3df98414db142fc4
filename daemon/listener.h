// Where clients connect: a listening socket that was inherited, or one of our own.
#pragma once

#include "daemon/broker.h"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace memshare::daemon {

// Which socket lies at a path.
struct SocketIdentity {
    dev_t device = 0;
    ino_t inode = 0;

    // Nothing, if no socket does.
    static std::optional<SocketIdentity> of(const std::string& path);

    friend bool operator==(const SocketIdentity&, const SocketIdentity&) = default;
};

// A listening socket in the file system. Its file, and its folder if that was made for it, go with it.
class SocketFile {
  public:
    // An error, if a broker answers at this path already; a file that nobody answers at is replaced.
    // A folder that is missing is made with this mode.
    static proto::Result<SocketFile> listen(const std::string& path, mode_t folder_mode);

    SocketFile(SocketFile&& other) noexcept;
    SocketFile& operator=(SocketFile&&) = delete;
    SocketFile(const SocketFile&) = delete;
    SocketFile& operator=(const SocketFile&) = delete;
    ~SocketFile();

    // A descriptor to accept from.
    proto::Result<proto::Fd> descriptor() const { return proto::Fd::duplicate(socket_.number()); }

  private:
    SocketFile() = default;

    std::string path_, made_folder_;
    std::optional<SocketIdentity> identity_;
    proto::Fd socket_;
};

// Accepts from a socket, or talks on it if it is connected already, for as long as the loop runs.
void serve(Broker& broker, proto::Fd socket);

} // namespace memshare::daemon
