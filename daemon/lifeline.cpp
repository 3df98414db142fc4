#include "daemon/lifeline.h"

namespace memshare::daemon {

void Lifelines::tie(HolderId session, proto::Fd process) {
    asio::posix::stream_descriptor watched(loop_, process.number());
    static_cast<void>(process.release()); // now it is the loop's
    const auto [place, is_new] = processes_.emplace(session, std::move(watched));
    place->second.async_wait(asio::posix::stream_descriptor::wait_read,
                             [this, session](const std::error_code& failure) {
                                 if (!failure) {
                                     cut(session);
                                     ended_(session);
                                 }
                             });
}

} // namespace memshare::daemon
