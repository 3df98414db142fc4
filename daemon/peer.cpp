#include "daemon/peer.h"

#include "proto/limits.h"
#include "proto/utf8.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <vector>

namespace memshare::daemon {
namespace {

using proto::Fd;
using proto::Result;

constexpr int so_peerpidfd = 77; // Linux 6.5; younger than our C library's headers

Result<ucred> credentials_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof(credentials);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return proto::system_error("read the peer's credentials");
    }
    return credentials;
}

Result<Fd> process_of(int socket, pid_t pid) {
    int number = -1;
    socklen_t size = sizeof(number);
    if (getsockopt(socket, SOL_SOCKET, so_peerpidfd, &number, &size) == 0) {
        return Fd::adopt(number);
    }
    if (errno != ENOPROTOOPT && errno != EINVAL) {
        return proto::system_error("find the peer's process");
    }
    // An older kernel. Should the peer have ended and its pid be another's by now, that one is watched
    // instead: the segments of the dead would stay as long as the stranger lives.
    number = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (number < 0) {
        return proto::system_error("open the peer's process");
    }
    return Fd::adopt(number);
}

Result<std::vector<std::uint32_t>> groups_of(int socket) {
    std::vector<std::uint32_t> groups(64);
    while (true) {
        auto size = static_cast<socklen_t>(groups.size() * sizeof(groups[0]));
        const int failed = getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
        groups.resize(size / sizeof(groups[0]));
        if (failed == 0) {
            return groups;
        }
        if (errno != ERANGE) { // else `size` is now what it takes
            return proto::system_error("read the peer's groups");
        }
    }
}

std::string program_of(pid_t pid) {
    const Fd file = Fd::adopt(open(("/proc/" + std::to_string(pid) + "/comm").c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 64> name{};
    const ssize_t size = file ? read(file.number(), name.data(), name.size()) : 0;
    std::string_view text(name.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    if (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    return proto::printable(text, proto::limits::program_bytes);
}

} // namespace

bool Caller::is_in_group(std::uint32_t group) const { return gid == group || groups.contain(group); }

Result<std::uint32_t> Peer::user_of(int socket) {
    const auto credentials = credentials_of(socket);
    return credentials ? Result<std::uint32_t>(credentials->uid) : std::unexpected(credentials.error());
}

Result<Peer> Peer::of(int socket) {
    const auto credentials = credentials_of(socket);
    if (!credentials) {
        return std::unexpected(credentials.error());
    }
    auto process = process_of(socket, credentials->pid);
    if (!process) {
        return std::unexpected(process.error());
    }
    struct stat identity{};
    if (fstat(process->number(), &identity) != 0) {
        return proto::system_error("identify the peer's process");
    }
    auto groups = groups_of(socket);
    if (!groups) {
        return std::unexpected(groups.error());
    }
    return Peer{
        .caller = {.uid = credentials->uid, .gid = credentials->gid, .groups = Groups(*std::move(groups))},
        .pid = credentials->pid,
        .process_inode = identity.st_ino,
        .program = program_of(credentials->pid),
        .process = std::make_shared<const Fd>(*std::move(process))};
}

} // namespace memshare::daemon
