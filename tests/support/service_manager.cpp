#include "tests/support/service_manager.h"

#include "daemon/descriptor_queue.h"
#include "proto/socket_address.h"

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace memshare::test {

using proto::Fd;

ServiceManager::ServiceManager(const BrokerProcess::Arguments& arguments)
    : socket_path_(folder_ / "io.memshare.Broker"),
      arguments_(arguments),
      listening_(Fd::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))) {
    const auto address = proto::SocketAddress::of(socket_path_);
    if (!address || bind(listening_.number(), address->data(), proto::SocketAddress::size()) != 0 ||
        chmod(socket_path_.c_str(), 0666) != 0 || listen(listening_.number(), SOMAXCONN) != 0) {
        throw std::runtime_error("cannot listen at " + socket_path_);
    }
    start();
}

ServiceManager::~ServiceManager() {
    if (pid_ != 0) {
        EXPECT_EQ(stop(SIGTERM), 0) << log();
    }
}

std::string ServiceManager::log() const {
    std::ifstream file(folder_ / "log");
    return {std::istreambuf_iterator<char>(file), {}};
}

void ServiceManager::start() {
    start_without_waiting();
    wait_until_ready();
}

void ServiceManager::start_without_waiting() {
    hear_what_was_said();
    is_ready_ = false;
    std::vector<Inherited> inherited{{listening_.number(), "memshared.socket"}};
    for (const auto& [name, fd] : kept_) {
        inherited.push_back({fd.number(), name});
    }
    pid_ = launch_broker(arguments_, folder_ / "log", notify_.name(), inherited, /*is_service=*/true);
}

void ServiceManager::wait_until_ready() {
    while (!is_ready_) {
        auto message = notify_.wait(pid_);
        if (!message) {
            throw std::runtime_error("the service did not start: " + log());
        }
        hear(*std::move(message));
    }
}

int ServiceManager::stop(int signal) {
    send_signal(pid_, signal);
    return wait_for_end(std::exchange(pid_, 0));
}

void ServiceManager::kill() { stop(SIGKILL); }

int ServiceManager::kept(const std::string& name) const {
    const auto found = kept_.find(name);
    if (found == kept_.end()) {
        throw std::runtime_error("nothing is kept as " + name);
    }
    return found->second.number();
}

std::multiset<std::string> ServiceManager::files_in_the_vault() const {
    std::multiset<std::string> files;
    const auto show = [&](const std::vector<daemon::DescriptorQueue::Shown>& message) {
        for (const auto& shown : message) {
            files.insert(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(shown.fd.number())));
        }
    };
    for (auto one = kept_.begin(); one != kept_.end(); ++one) {
        if (const auto other = std::next(one); other != kept_.end() && other->first == one->first) {
            const auto queue = daemon::DescriptorQueue::adopt(*Fd::duplicate(one->second.number()),
                                                              *Fd::duplicate(other->second.number()));
            EXPECT_TRUE(queue.look_through(daemon::DescriptorQueue::With::descriptors, show));
            one = other;
        }
    }
    return files;
}

// As systemd does: what was said last counts, even if who said it is dead.
void ServiceManager::hear_what_was_said() {
    while (auto message = notify_.take()) {
        hear(*std::move(message));
    }
}

// A barrier is passed when its descriptor is closed, and so it is here.
void ServiceManager::hear(NotifySocket::Message message) {
    is_ready_ = is_ready_ || message.says("READY=1");
    if (message.says("FDSTOREREMOVE=1")) {
        kept_.erase(message.after("FDNAME="));
    } else if (message.says("FDSTORE=1")) {
        EXPECT_TRUE(message.says("FDPOLL=0"));
        for (Fd& fd : message.fds) {
            kept_.emplace(message.after("FDNAME="), std::move(fd));
        }
    }
}

} // namespace memshare::test
