#include "client/ctl/run.h"

#include "client/ctl/child.h"
#include "client/ctl/private_broker.h"

#include <cstdlib>

namespace memshare::ctl {
namespace {

constexpr int by_signal = 128;

} // namespace

int run_with_private_broker(const std::vector<std::string>& command, const std::string& daemon) {
    const HeldSignals signals;
    const PrivateBroker broker(daemon, signals);
    if (!broker.is_ready()) {
        return by_signal + signals.next().value_or(SIGTERM);
    }
    Child child(command, [&] {
        signals.restore();
        setenv("MEMSHARE_SOCKET", broker.socket_path().c_str(), 1);
    });
    while (wait_for_first({child.fd(), signals.fd()}) == 1) {
        if (const auto signal = signals.next_to_pass_on()) {
            child.signal(*signal);
        }
    }
    return child.wait();
}

} // namespace memshare::ctl
