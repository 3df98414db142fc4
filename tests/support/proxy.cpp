#include "tests/support/proxy.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace memshare::test {

Proxy::Proxy(const std::string& path, std::string broker_path, Judge judge, std::function<void()> cut)
    : broker_path_(std::move(broker_path)),
      judge_(std::move(judge)),
      cut_(std::move(cut)),
      listening_(proto::Fd::adopt(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (bind(listening_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        listen(listening_.number(), 8) != 0) {
        throw std::runtime_error("cannot listen at " + path + ": " + std::strerror(errno));
    }
    thread_ = std::thread([this] { serve(); });
}

Proxy::~Proxy() {
    shutdown(listening_.number(), SHUT_RDWR); // which ends accept(2)
    thread_.join();
}

void Proxy::serve() {
    while (true) {
        const int client = accept4(listening_.number(), nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) {
            return;
        }
        pass_on(RawPeer(proto::Fd::adopt(client)));
    }
}

void Proxy::pass_on(RawPeer client) {
    RawPeer broker(broker_path_);
    while (const auto call = client.receive()) {
        if (!pass_on(*call, client, broker)) {
            cut_();
            return;
        }
    }
}

bool Proxy::pass_on(const RawPeer::Message& call, RawPeer& client, RawPeer& broker) {
    const std::string method = call.json.at("method");
    const Fate fate = judge_(method.substr(method.rfind('.') + 1));
    if (fate == Fate::lose_call || !broker.send(call.json.dump() + '\0')) {
        return false;
    }
    const bool is_answered = !call.json.value("oneway", false);
    for (bool more = is_answered; more;) {
        const auto answer = broker.receive();
        if (!answer || fate == Fate::lose_answer) {
            return false;
        }
        const int fd = answer->fds.empty() ? -1 : answer->fds.front().number();
        client.send(answer->json.dump() + '\0', std::span(&fd, fd >= 0 ? 1 : 0));
        more = answer->json.value("continues", false);
    }
    if (fate == Fate::lose_answer) { // there is none, but the call has been carried out when the next one is
        broker.call("GetInfo");
    }
    return fate == Fate::pass;
}

} // namespace memshare::test
