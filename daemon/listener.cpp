#include "daemon/listener.h"

#include "daemon/conversation.h"
#include "daemon/log.h"
#include "daemon/passed_descriptors.h"
#include "daemon/start_lock.h"
#include "proto/limits.h"
#include "proto/socket_address.h"

#include <asio/co_spawn.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

namespace memshare::daemon {

using asio::use_awaitable;
using proto::Fd;
using proto::Result;
using proto::SocketAddress;
using proto::system_error;

namespace {

constexpr mode_t socket_mode = 0666; // whoever can reach it may connect: rights are on the segments

Fd new_socket() { return Fd::adopt(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

// Makes a folder with this mode, whatever mask this process has; false, if it was there.
Result<bool> make_folder(const std::string& folder, mode_t mode) {
    if (mkdir(folder.c_str(), S_IRWXU) != 0) {
        return errno == EEXIST ? Result<bool>(false) : system_error("make the folder " + folder);
    }
    const Fd made = Fd::adopt(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!made || fchmod(made.number(), mode) != 0) {
        const int error = errno;
        rmdir(folder.c_str());
        return system_error("open the folder " + folder + " to its users", error);
    }
    return true;
}

// Binds a path; a file that nobody answers at, left by a broker that was killed, is replaced. That is locked,
// so that of two brokers that start at once one finds the other answering.
Result<Fd> bind_path(const std::string& path) {
    const auto address = SocketAddress::of(path);
    if (!address) {
        return std::unexpected(address.error());
    }
    const auto lock = StartLock::take(path);
    if (!lock) {
        return std::unexpected(lock.error());
    }
    Fd listening = new_socket();
    if (!listening) {
        return system_error("make a socket");
    }
    refuse_descriptors(listening.number()); // before anybody can connect; an older kernel does not know how
    if (bind(listening.number(), address->data(), SocketAddress::size()) != 0) {
        if (errno != EADDRINUSE) {
            return system_error("listen at " + path);
        }
        const Fd probe = new_socket();
        const bool answers = connect(probe.number(), address->data(), SocketAddress::size()) == 0;
        if (answers || errno != ECONNREFUSED || !SocketIdentity::of(path)) {
            return system_error("listen at " + path, EADDRINUSE);
        }
        unlink(path.c_str());
        if (bind(listening.number(), address->data(), SocketAddress::size()) != 0) {
            return system_error("listen at " + path);
        }
    }
    if (chmod(path.c_str(), socket_mode) != 0 || listen(listening.number(), SOMAXCONN) != 0) {
        return system_error("listen at " + path);
    }
    return listening;
}

bool is_listening(int socket) {
    int listening = 0;
    socklen_t size = sizeof(listening);
    return getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
}

// What the kernel says when the machine or this process is short of something for now.
bool is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// NOLINTNEXTLINE(*-reference-coroutine-parameters): the broker outlives the loop's coroutines
asio::awaitable<void> accept_all(Broker& broker, asio::posix::stream_descriptor listening) {
    constexpr std::chrono::milliseconds pause{100};
    asio::steady_timer timer(broker.loop());
    bool short_of_something = false;
    std::size_t accepted = 0;
    while (true) {
        Fd fd = Fd::adopt(accept4(listening.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        const int error = errno;
        PeerSocket socket(std::move(fd), broker.slow_closer());
        if (socket) {
            short_of_something = false;
            Conversation::begin(broker, std::move(socket));
            if (++accepted % proto::limits::connections_in_a_row == 0) {
                co_await asio::post(broker.loop(), use_awaitable);
            }
        } else if (error == EAGAIN) {
            co_await listening.async_wait(asio::posix::stream_descriptor::wait_read, use_awaitable);
        } else if (is_shortage(error)) {
            if (!std::exchange(short_of_something, true)) {
                log({.event = Report::Event::connections_delayed,
                     .sentence =
                         "cannot accept connections for now: " + std::system_category().message(error)});
            }
            timer.expires_after(pause);
            co_await timer.async_wait(use_awaitable);
        } else if (error != EINTR && error != ECONNABORTED) {
            log({.event = Report::Event::connections_ended,
                 .sentence = "stopped to accept connections: " + std::system_category().message(error)});
            co_return;
        }
    }
}

} // namespace

std::optional<SocketIdentity> SocketIdentity::of(const std::string& path) {
    struct stat status{};
    if (lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
        return std::nullopt;
    }
    return SocketIdentity{.device = status.st_dev, .inode = status.st_ino};
}

Result<SocketFile> SocketFile::listen(const std::string& path, mode_t folder_mode) {
    SocketFile file;
    const std::string folder = std::filesystem::path(path).parent_path().string();
    if (!folder.empty()) {
        const auto made = make_folder(folder, folder_mode);
        if (!made) {
            return std::unexpected(made.error());
        }
        if (*made) {
            file.made_folder_ = folder;
        }
    }
    auto socket = bind_path(path);
    if (!socket) {
        return std::unexpected(socket.error());
    }
    file.socket_ = *std::move(socket);
    file.path_ = path;
    file.identity_ = SocketIdentity::of(path);
    return file;
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      made_folder_(std::exchange(other.made_folder_, {})),
      identity_(other.identity_),
      socket_(std::move(other.socket_)) {}

SocketFile::~SocketFile() {
    if (!path_.empty() && SocketIdentity::of(path_) == identity_) { // and not its successor's
        unlink(path_.c_str());
    }
    if (!made_folder_.empty()) {
        rmdir(made_folder_.c_str());
    }
    // The kernel closes it when this process has ended. Connections that nobody has accepted are closed with
    // it, and what peers have left in them; and then nobody waits for that.
    static_cast<void>(socket_.release());
}

void serve(Broker& broker, Fd socket) {
    fcntl(socket.number(), F_SETFL, fcntl(socket.number(), F_GETFL) | O_NONBLOCK);
    if (!is_listening(socket.number())) {
        Conversation::begin(broker, PeerSocket(std::move(socket), broker.slow_closer()));
        return;
    }
    asio::posix::stream_descriptor listening(broker.loop(), socket.release());
    asio::co_spawn(
        broker.loop(), accept_all(broker, std::move(listening)), [](const std::exception_ptr& thrown) {
            if (thrown) { // for want of memory: better another process than one that nobody can reach
                std::terminate();
            }
        });
}

} // namespace memshare::daemon
