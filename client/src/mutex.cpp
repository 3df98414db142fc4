#include "client/src/attachment.h"
#include "client/src/patience.h"
#include <memshare/error.hpp>
#include <memshare/mutex.hpp>

#include <algorithm>

namespace memshare {

using detail::Deadline;

namespace {

// Nobody sleeps longer without looking for itself: as a wake-up can go astray, to one who can only read the
// segment and sleeps on its lock to do harm, or with a broker that was to send it for the dead and does not
// run.
constexpr std::chrono::milliseconds longest_sleep{100};

std::uint32_t next_thread_number() {
    static std::atomic<std::uint32_t> last = 0;
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

} // namespace

constinit thread_local std::uint32_t Mutex::thread_number_ [[gnu::tls_model("initial-exec")]] = 0;

// What every way to a lock begins with, when it was not free at once.
bool Mutex::lock_again() {
    if (thread_number_ == 0) {
        thread_number_ = next_thread_number();
    }
    if (holder() == 0) {
        attachment_.attach_again(); // a forked child's first look at what it inherited
    }
    if (holder() == 0) {
        throw Error(Errc::frozen, "what is frozen cannot be locked", attachment_.info().name);
    }
    if (!is_held()) {
        return false;
    }
    line_.depth.fetch_add(1, std::memory_order_relaxed);
    return true;
}

bool Mutex::try_lock_slowly() {
    if (lock_again()) {
        return true;
    }
    const std::uint32_t me = holder();
    std::uint32_t seen = line_.word.load(std::memory_order_relaxed);
    while (abi::holder_of(seen) == 0) {
        if (abi::take_free(line_, seen, me, 0)) {
            own(me);
            return true;
        }
    }
    return false;
}

// While it looks, awake, it looks less and less often: each look takes the lock's line from its holder, who
// then has to wait for it. (./dev bench, lock/contended; model: lock_slowly)
bool Mutex::lock_slowly(const Deadline& deadline) {
    if (lock_again()) {
        return true;
    }
    const std::uint32_t me = holder();
    using Clock = std::chrono::steady_clock;
    constexpr unsigned most_rests = 16;
    client::Spin spin(attachment_.lock_patience(), most_rests);
    std::uint32_t waiting = 0;
    std::uint32_t seen = line_.word.load(std::memory_order_relaxed);
    while (true) {
        if (abi::holder_of(seen) == 0) {
            if (abi::take_free(line_, seen, me, waiting)) {
                break;
            }
            continue;
        }
        if (spin.goes_on()) {
            seen = line_.word.load(std::memory_order_relaxed);
            continue;
        }
        if (!abi::mark_waiting(line_, seen)) {
            continue;
        }
        const auto now = Clock::now();
        if (deadline && now >= *deadline) {
            return false; // whoever releases wakes one: a wake-up that came to us is not lost with us
        }
        const auto until =
            client::as_timespec(std::min(deadline.value_or(Clock::time_point::max()), now + longest_sleep));
        abi::futex_wait(line_.word, seen, &until);
        waiting = abi::waiting_bit;
        seen = line_.word.load(std::memory_order_relaxed);
    }
    own(me);
    return true;
}

void Mutex::unlock_slowly() {
    if (is_held()) {
        line_.depth.fetch_sub(1, std::memory_order_relaxed);
    } else if (!attachment_.is_inherited()) {
        throw Error(std::make_error_code(std::errc::operation_not_permitted),
                    "this thread unlocks what it has not locked", attachment_.info().name);
    }
}

std::optional<DeadHolder> Mutex::recovered() const {
    if (!is_held() || (line_.word.load(std::memory_order_relaxed) & abi::died_bit) == 0) {
        return std::nullopt;
    }
    return attachment_.last_recovery();
}

} // namespace memshare
