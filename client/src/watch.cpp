#include "client/src/watch_thread.h"
#include "proto/without_cancellation.h"
#include <memshare/watch.hpp>

#include <sys/eventfd.h>

namespace memshare {

using client::Watched;
using client::WatchThread;

struct Watch::Entry {
    Watched watched;
    std::shared_ptr<WatchThread> thread;

    explicit Entry(Watched what) : watched(std::move(what)), thread(WatchThread::with_room()) {
        while (!thread->add(watched)) { // another one took the last place
            thread = WatchThread::with_room();
        }
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { thread->remove(watched); }
};

Watch::Watch(const Segment& segment) {
    auto event = proto::Fd::adopt(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event) {
        client::throw_error(proto::system_error("make an eventfd").error(), segment.info().name);
    }
    const auto& attachment = segment.attachment_;
    attachment->count_as_watcher();
    entry_ = std::make_unique<Entry>(
        Watched{.attachment = attachment, .event = std::move(event), .state = attachment->state()});
}

Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&&) noexcept = default;
Watch::~Watch() = default;

int Watch::descriptor() const noexcept { return entry_->watched.event.number(); }

void Watch::clear() const noexcept {
    const proto::WithoutCancellation postponed;
    eventfd_t count = 0;
    eventfd_read(descriptor(), &count);
}

} // namespace memshare
