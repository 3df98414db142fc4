#include "tests/bench/broker_process.h"

#include "proto/socket_address.h"

#include <fcntl.h>
#include <stdlib.h> // NOLINT(modernize-deprecated-headers): mkdtemp and setenv are POSIX
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <system_error>

namespace memshare::bench {

using proto::Fd;
using proto::SocketAddress;

namespace {

constexpr int first_inherited = 3; // where sd_listen_fds(3) looks

[[noreturn]] void fail(const char* during) { throw std::system_error(errno, std::system_category(), during); }

std::string new_folder() {
    std::string path = (std::filesystem::temp_directory_path() / "memshare-bench-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) {
        fail("mkdtemp");
    }
    return path;
}

Fd listen_at(const SocketAddress& address) {
    Fd socket = Fd::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket || bind(socket.number(), address.data(), SocketAddress::size()) != 0 ||
        chmod(address.address.sun_path, 0666) != 0 || listen(socket.number(), SOMAXCONN) != 0) {
        fail("listen");
    }
    return socket;
}

Fd connect_to(const SocketAddress& address) {
    Fd socket = Fd::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket || connect(socket.number(), address.data(), SocketAddress::size()) != 0) {
        fail("connect");
    }
    return socket;
}

// Becomes the daemon, which inherits a listening socket.
void become_daemon(std::vector<std::string> command, int listening) {
    if (listening == first_inherited) {
        fcntl(listening, F_SETFD, 0);
    } else {
        dup2(listening, first_inherited);
    }
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    unsetenv("NOTIFY_SOCKET");
    std::vector<char*> words;
    for (std::string& word : command) {
        words.push_back(word.data());
    }
    words.push_back(nullptr);
    execv(words.front(), words.data());
    fail(words.front());
}

} // namespace

BrokerProcess::Started BrokerProcess::start(Setting setting, const Arguments& arguments, Session session) {
    const std::string path = new_folder() + "/socket";
    const Fd listening = listen_at(SocketAddress::of(path).value());
    Arguments command{std::filesystem::read_symlink("/proc/self/exe").parent_path() / "memshared",
                      "--log-level", "error"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    // So that the clients, which are made next, see the same processors as the daemon.
    const OnlyOn seen(seen_processors(setting));
    return {path, ChildProcess([&] {
                if (session == Session::of_its_own) {
                    setsid();
                }
                become_daemon(command, listening.number());
            })};
}

BrokerProcess::BrokerProcess(Setting setting, const Arguments& arguments, Session session)
    : setting_(setting),
      started_(start(setting, arguments, session)),
      place_(Fd::adopt(open(started_.path.c_str(), O_PATH | O_CLOEXEC))),
      client_(started_.path),
      keeper_(started_.path) {
    {
        // A client decides when it is made whether it may look, and the daemon before it first answers.
        const OnlyOn seen(seen_processors(setting));
        client_ = Broker(started_.path);
        client_.version();
    }
    keeper_.version();
    raw_socket_ = connect_to(SocketAddress::of(started_.path).value());
    std::filesystem::remove_all(std::filesystem::path(started_.path).parent_path());
    run_on(server_processors(setting), pid());
}

std::string new_name() {
    static int names = 0;
    return "segment-" + std::to_string(++names);
}

} // namespace memshare::bench
