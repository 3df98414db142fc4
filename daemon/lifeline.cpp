#include "daemon/lifeline.h"

#include <poll.h>

namespace memshare::daemon {
namespace {

bool has_ended(int process) {
    pollfd ended{.fd = process, .events = POLLIN, .revents = 0};
    return poll(&ended, 1, 0) > 0;
}

} // namespace

void Lifelines::tie(HolderId session, std::shared_ptr<const proto::Fd> process) {
    processes_.try_emplace(session, loop_, std::move(process));
    watch(session);
}

// Asio (1.22) keeps its records of closed descriptors for the next ones, with what it had queued for them: a
// wait can end because another process did. So the process itself is asked before it is taken for dead.
void Lifelines::watch(HolderId session) {
    const auto process = processes_.find(session);
    if (process == processes_.end()) {
        return;
    }
    process->second.descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                          [this, session](const std::error_code& failure) {
                                              if (!failure) {
                                                  look_at(session);
                                              }
                                          });
}

void Lifelines::look_at(HolderId session) {
    const auto process = processes_.find(session);
    if (process != processes_.end() && has_ended(process->second.process->number())) {
        cut(session);
        ended_(session);
    } else {
        watch(session);
    }
}

} // namespace memshare::daemon
