// Runs a real memshared as a service manager does: it listens for it, keeps its descriptors while it does not
// run, and hands both to the next one.
#pragma once

#include "tests/support/broker_process.h"
#include "tests/support/notify_socket.h"

#include <map>
#include <set>
#include <string>

namespace memshare::test {

class ServiceManager {
  public:
    // Starts the service and returns when it is ready.
    explicit ServiceManager(const BrokerProcess::Arguments& arguments = {});
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;
    ~ServiceManager(); // stops it, if it still runs; a failure of the test, if that is not its clean end

    const std::string& socket_path() const { return socket_path_; }
    pid_t pid() const { return pid_; }
    std::string log() const;

    // Starts the next one, and waits until it is ready.
    void start();
    void start_without_waiting();
    void wait_until_ready();

    // Sends this signal and waits for the end: the exit code, or the signal that it died of, negative.
    int stop(int signal);
    void kill();

    // How many descriptors are kept.
    std::size_t kept() const { return kept_.size(); }

    // The first that is kept under this name; borrowed. Throws, if there is none.
    int kept(const std::string& name) const;

    // What lies in the kept queues, as /proc calls it.
    std::multiset<std::string> files_in_the_vault() const;

  private:
    void hear(NotifySocket::Message message);
    void hear_what_was_said();

    Folder folder_;
    std::string socket_path_;
    BrokerProcess::Arguments arguments_;
    proto::Fd listening_;
    NotifySocket notify_;
    std::multimap<std::string, proto::Fd> kept_; // by name
    bool is_ready_ = false;
    pid_t pid_ = 0;
};

} // namespace memshare::test
