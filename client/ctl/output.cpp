#include "client/ctl/output.h"

#include "client/ctl/terminal_text.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <string>
#include <system_error>

namespace memshare::ctl {
namespace {

// NOLINTNEXTLINE(*-avoid-non-const-global-variables): standard output is one for the whole process
bool has_printed = false;

// Writes everything; returns 0 or the error. A terminal or pipe may be in non-blocking mode, as it is shared
// with other processes.
int write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(fd, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
            poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

void expect_written(int error) {
    if (error != 0) {
        throw std::system_error(error, std::system_category(), "cannot write to standard output");
    }
}

// Holds SIGPIPE back in this thread, and takes away one that was raised meanwhile.
class WithoutSigpipe {
  public:
    WithoutSigpipe() {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    WithoutSigpipe(const WithoutSigpipe&) = delete;
    WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;
    ~WithoutSigpipe() {
        if (sigismember(&before_, SIGPIPE) == 0) {
            const timespec at_once{};
            sigtimedwait(&pipe_, nullptr, &at_once);
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

  private:
    sigset_t pipe_{}, before_{};
};

} // namespace

void reserve_standard_descriptors() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(fd, F_GETFD) < 0) {
            // The lowest free number is this one. If open() fails, so will connect() later, with a sentence.
            static_cast<void>(open("/", O_PATH | O_CLOEXEC));
        }
    }
}

void print(std::string_view text) {
    has_printed = has_printed || !text.empty();
    expect_written(write_all(STDOUT_FILENO, text));
}

void finish_output() {
    if (has_printed && close(STDOUT_FILENO) != 0 && errno != EINTR) {
        expect_written(errno);
    }
}

void complain(std::string_view sentence) {
    const WithoutSigpipe quiet;
    static_cast<void>(write_all(STDERR_FILENO, "memsharectl: " + on_lines(sentence) + '\n'));
}

} // namespace memshare::ctl
