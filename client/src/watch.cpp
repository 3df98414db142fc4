#include "client/src/watch_thread.h"
#include "proto/without_cancellation.h"
#include <memshare/watch.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace memshare {

using client::Watched;
using client::WatchThread;
using proto::Fd;

namespace {

// What is read at once to make a watch unreadable, and what the pipe of one has room for. A page is enough,
// as one byte makes it readable; a user's pipes share a limit (pipe-user-pages-soft).
constexpr std::size_t pipe_bytes = 4096;

std::pair<Fd, Fd> make_pipe(const std::string& segment) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
        client::throw_error(proto::system_error("make a pipe").error(), segment);
    }
    fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(pipe_bytes)); // if not, it is larger
    return {Fd::adopt(ends[0]), Fd::adopt(ends[1])};
}

} // namespace

struct Watch::Entry {
    Watched watched;
    std::shared_ptr<WatchThread> thread;

    Entry(Watched what, const Fd& writing) : watched(std::move(what)), thread(WatchThread::with_room()) {
        while (!thread->add(watched, writing.number())) { // another one took the last place
            thread = WatchThread::with_room();
        }
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { thread->remove(watched); }
};

Watch::Watch(const Segment& segment) {
    auto [reading, writing] = make_pipe(segment.info().name);
    const auto& attachment = segment.attachment_;
    attachment->count_as_watcher();
    entry_ = std::make_unique<Entry>(Watched{.attachment = attachment,
                                             .reading = client::OwnFile(std::move(reading)),
                                             .state = attachment->state()},
                                     writing);
}

Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&&) noexcept = default;
Watch::~Watch() = default;

int Watch::descriptor() const noexcept { return entry_->watched.reading.number(); }

void Watch::clear() const noexcept {
    const proto::WithoutCancellation postponed;
    std::array<char, pipe_bytes> bytes; // NOLINT(*-member-init): it is only read over
    while (entry_->watched.reading.is_there() &&
           read(descriptor(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())) {
    }
}

} // namespace memshare
