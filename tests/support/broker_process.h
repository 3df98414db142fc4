// A real memshared in a process of its own, at a socket in a fresh folder.
#pragma once

#include "tests/support/kernel.h"

#include <sys/types.h>

#include <string>
#include <vector>

namespace memshare::test {

class BrokerProcess {
  public:
    using Arguments = std::vector<std::string>;

    // Starts it and returns when it is ready.
    explicit BrokerProcess(const Arguments& arguments = {});
    BrokerProcess(const BrokerProcess&) = delete;
    BrokerProcess& operator=(const BrokerProcess&) = delete;
    ~BrokerProcess(); // stops it, if it still runs; a failure of the test, if that is not its clean end

    const std::string& socket_path() const { return socket_path_; }
    pid_t pid() const { return pid_; }

    std::size_t open_fds() const { return test::open_fds(pid_); }
    std::size_t resident_bytes() const { return test::resident_bytes(pid_); }
    microseconds processor_time() const { return test::processor_time(pid_); }

    // What it has written to its log.
    std::string log() const;

    // Sends this signal and waits for the end: the exit code, or the signal that it died of, negative.
    int stop(int signal);
    int stop();
    void kill();

    // Starts another one at the same path, after the first has ended.
    void start_again();

  private:
    void start();

    Folder folder_;
    std::string socket_path_;
    Arguments arguments_;
    pid_t pid_ = 0;
};

// Where the program lies.
std::string memshared();

// Starts a program of ours in the background, stderr into a file; sockets are inherited as from a service
// manager. Waits for READY=1, and returns its pid, or 0 if it ended instead (its exit code is in `ended`).
struct Started {
    pid_t pid = 0;
    int exit_code = 0;
};
Started start_broker(const BrokerProcess::Arguments& arguments, const std::string& log_file,
                     const std::vector<int>& inherited = {});

// The same without waiting; as a service, it may ask for descriptors of its to be kept.
struct Inherited {
    int fd = -1;
    std::string name;
};
pid_t launch_broker(const BrokerProcess::Arguments& arguments, const std::string& log_file,
                    const std::string& notify_socket, const std::vector<Inherited>& inherited,
                    bool is_service);

} // namespace memshare::test
