#include "daemon/start_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <thread>
#include <utility>

namespace memshare::daemon {

using proto::Fd;
using proto::Result;
using proto::system_error;

namespace {

using Clock = std::chrono::steady_clock;

// A start takes milliseconds; a broker that holds the lock for longer is stopped, or hangs.
constexpr std::chrono::seconds longest_wait{5};
constexpr std::chrono::milliseconds pause{5};

// Neither a link that leads elsewhere, nor a pipe at which opening waits.
Result<Fd> open_own_file(const std::string& path) {
    Fd file = Fd::adopt(
        open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!file) {
        return system_error("lock " + path + " while the socket is made");
    }
    struct stat status{};
    if (fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid() ||
        (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return system_error("trust the file " + path +
                                ", which others can open (remove it, if no broker is about to start there)",
                            EPERM);
    }
    return file;
}

// Its last owner may have removed it between our opening and our locking it.
bool lies_at(const Fd& file, const std::string& path) {
    struct stat ours{};
    struct stat there{};
    return fstat(file.number(), &ours) == 0 && lstat(path.c_str(), &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

} // namespace

Result<StartLock> StartLock::take(const std::string& socket_path) {
    const std::string path = socket_path + ".lock";
    for (const auto until = Clock::now() + longest_wait;;) {
        auto file = open_own_file(path);
        if (!file) {
            return std::unexpected(file.error());
        }
        const bool is_locked = flock(file->number(), LOCK_EX | LOCK_NB) == 0;
        const int error = errno;
        if (is_locked && lies_at(*file, path)) {
            return StartLock(path, *std::move(file));
        }
        if (!is_locked && error != EWOULDBLOCK && error != EINTR) {
            return system_error("lock " + path, error);
        }
        if (Clock::now() >= until) {
            return system_error(
                "make the socket: another broker has been about to start there, and has locked " + path +
                    ", for " + std::to_string(longest_wait.count()) + " seconds",
                EBUSY);
        }
        std::this_thread::sleep_for(pause);
    }
}

StartLock::StartLock(StartLock&& other) noexcept
    : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}

StartLock::~StartLock() {
    if (file_) {
        unlink(path_.c_str());
    }
}

} // namespace memshare::daemon
