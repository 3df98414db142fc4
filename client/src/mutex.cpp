#include "client/src/attachment.h"
#include "client/src/call_until.h"
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

// Others wait for the lock while its holder asks the broker who died.
constexpr std::chrono::milliseconds longest_question{500};

std::uint32_t next_thread_number() {
    static std::atomic<std::uint32_t> last = 0;
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

} // namespace

constinit thread_local std::uint32_t Mutex::thread_number_ [[gnu::tls_model("initial-exec")]] = 0;

// Sees to it that this thread has a number and its process a holder id, as every way to a lock needs when it
// was not free at once. False, if the deadline was too soon for the broker.
bool Mutex::get_ready(const Deadline& deadline) {
    if (thread_number_ == 0) {
        thread_number_ = next_thread_number();
    }
    if (holder() == 0 && attachment_.access() == Access::read && !attachment_.info().frozen) {
        throw Error(
            Errc::access_denied,
            "only the process that made this as its exclusive writer can lock it: a forked child reads it",
            attachment_.info().name);
    }
    if (holder() == 0) { // a forked child's first look at what it inherited
        const bool answered = client::call_until(deadline, attachment_.connection().timeout(),
                                                 [this] { attachment_.attach_again(); });
        if (!answered) {
            return false;
        }
    }
    if (holder() == 0) {
        throw Error(Errc::frozen, "what is frozen cannot be locked", attachment_.info().name);
    }
    return true;
}

bool Mutex::lock_again() noexcept {
    if (!is_held()) {
        return false;
    }
    line_.depth.fetch_add(1, std::memory_order_relaxed);
    return true;
}

// Takes the lock, as long as `seen`, which is what the word was and becomes what it is, says that it is free.
bool Mutex::take_free(std::uint32_t& seen, std::uint32_t me, std::uint32_t waiting) noexcept {
    while (abi::holder_of(seen) == 0) {
        if (abi::take_free(line_, seen, me, waiting)) {
            own(me);
            return true;
        }
    }
    return false;
}

bool Mutex::try_lock_slowly() {
    if (get_ready({}) && lock_again()) {
        return true;
    }
    std::uint32_t seen = line_.word.load(std::memory_order_relaxed);
    return take_free(seen, holder(), 0);
}

// While it looks, awake, it looks less and less often: each look takes the lock's line from its holder, who
// then has to wait for it. (./dev bench, lock/contended; model: lock_slowly)
bool Mutex::lock_slowly(const Deadline& deadline) {
    if (!get_ready(deadline)) {
        return false;
    }
    if (lock_again()) {
        return true;
    }
    const std::uint32_t me = holder();
    using Clock = std::chrono::steady_clock;
    std::uint32_t seen = line_.word.load(std::memory_order_relaxed);
    if (take_free(seen, me, 0)) { // it was only marked
        return true;
    }
    constexpr unsigned most_rests = 16;
    client::Spin spin(attachment_.lock_patience(), most_rests);
    std::uint32_t waiting = 0;
    while (!take_free(seen, me, waiting)) {
        if (spin.goes_on()) {
            seen = line_.word.load(std::memory_order_relaxed);
            continue;
        }
        if (!abi::mark_waiting(line_, seen)) {
            continue;
        }
        const auto now = Clock::now();
        if (deadline && now >= *deadline) {
            return false; // each release wakes one sleeper: a wake-up that came to us is not lost with us
        }
        const auto until =
            client::as_timespec(std::min(deadline.value_or(Clock::time_point::max()), now + longest_sleep));
        abi::futex_wait(line_.word, seen, &until);
        waiting = abi::waiting_bit;
        seen = line_.word.load(std::memory_order_relaxed);
    }
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

// The mark is cleared last: if this process is killed before that, the next holder is told.
std::optional<DeadHolder> Mutex::recovered() const {
    if (!is_held() || (line_.word.load(std::memory_order_relaxed) & abi::died_bit) == 0) {
        return std::nullopt;
    }
    DeadHolder dead;
    try {
        const CallLimit soon(longest_question);
        dead = attachment_.last_recovery();
    } catch (const Error& error) {
        if (error.code() != Errc::no_such_segment) {
            return dead;
        }
        // Another broker has answered, which has no record of the segment and of its deaths.
    }
    abi::clear_died(line_);
    return dead;
}

} // namespace memshare
