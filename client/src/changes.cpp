#include "client/src/attachment.h"
#include "client/src/call_until.h"
#include "client/src/patience.h"
#include <memshare/changes.hpp>

#include <pthread.h>

#include <algorithm>

namespace memshare {
namespace {

// Nobody sleeps longer without looking for itself. Wake-ups are not lost, save those that no one is there to
// send: of a process that was killed between a change and its wake-up, and was a forked child that the broker
// had not yet heard of, or the only writer there may be; or while no broker runs.
constexpr std::chrono::seconds longest_sleep{1};

// The same for a reader that the broker has not been told of, as it is gone: no writer wakes that.
constexpr std::chrono::milliseconds between_looks{5};

} // namespace

// The flag first: whoever asks for the version from here on has raised it again, and has the version moved
// once more. (model: announce)
void Changes::wake() const noexcept {
    line_->waiting.exchange(0);
    if (counting_ == Counting::changes) {
        line_->version.fetch_add(1);
    }
    line_->signal.fetch_add(1);
    abi::futex_wake_all(line_->signal);
}

std::uint32_t Changes::arm() const {
    const std::uint32_t signal = line_->signal.load();
    if (attachment_->access() == Access::write) {
        line_->waiting.store(1);
    } else {
        attachment_->count_as_watcher(); // who cannot set the flag is counted by the broker
    }
    return signal;
}

// arm() in the time that is left: false, if the broker has not answered in it. (Each call has a limit of its
// own.)
bool Changes::is_told_until(const detail::Deadline& deadline) const {
    if (attachment_->access() == Access::write) {
        line_->waiting.store(1);
        return true;
    }
    const auto usual = attachment_->connection().timeout();
    return client::call_until(deadline, usual, [this] { attachment_->attach_again(); }) &&
           client::call_until(deadline, usual, [this] { attachment_->count_as_watcher(); });
}

bool Changes::wait_slowly(bool (*changed)(const void*), const void* what,
                          const detail::Deadline& deadline) const {
    using Clock = std::chrono::steady_clock;
    for (client::Spin spin(attachment_->wait_patience()); spin.goes_on();) {
        if (changed(what)) {
            return true;
        }
    }
    while (!deadline || Clock::now() < *deadline) {
        const std::uint32_t signal = line_->signal.load();
        const bool is_told = is_told_until(deadline);
        if (changed(what)) {
            return true;
        }
        const auto longest = is_told ? Clock::duration(longest_sleep) : Clock::duration(between_looks);
        const auto end = std::min(deadline.value_or(Clock::time_point::max()), Clock::now() + longest);
        const auto until = client::as_timespec(end);
        abi::futex_wait(line_->signal, signal, &until);
        pthread_testcancel();
    }
    return changed(what);
}

} // namespace memshare
