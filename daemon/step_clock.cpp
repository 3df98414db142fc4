#include "daemon/step_clock.h"

#include "daemon/handler_hook.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace memshare::daemon {
namespace {

// To ask the kernel's scheduler takes 1 us: so it is asked once in this time, and about steps that are
// longer.
constexpr std::chrono::milliseconds between_looks{1};
constexpr std::chrono::milliseconds long_step{5};

} // namespace

StepClock::StepClock()
    : scheduler_(proto::Fd::adopt(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC))) {
    handler_hook::clock = this;
    handler_hook::begin = [](void* clock) { static_cast<StepClock*>(clock)->begin(); };
}

StepClock::~StepClock() { handler_hook::clock = nullptr; }

// The second number of three, in nanoseconds. A kernel that does not count it leaves 0: then the waiting
// counts as part of the step.
StepClock::Clock::duration StepClock::waited_for_a_processor() const {
    std::array<char, 96> text{};
    const ssize_t size = scheduler_ ? pread(scheduler_.number(), text.data(), text.size(), 0) : 0;
    std::string_view rest(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    rest.remove_prefix(std::min(rest.find(' '), rest.size()));
    rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
    std::int64_t waited = 0;
    std::from_chars(rest.data(), rest.data() + rest.size(), waited);
    return std::chrono::nanoseconds(waited);
}

void StepClock::begin() {
    if (inside_) {
        return;
    }
    inside_ = true;
    began_ = Clock::now();
    if (began_ - looked_ > between_looks) {
        waited_ = waited_for_a_processor();
        looked_ = began_ = Clock::now();
    }
}

// Some of the waiting since the last look may have been before this step: so much of it is not taken off.
void StepClock::end() {
    if (!std::exchange(inside_, false)) {
        return;
    }
    Clock::duration took = Clock::now() - began_;
    if (took > between_looks) {
        const Clock::duration before = began_ - looked_;
        took -= std::max(waited_for_a_processor() - waited_ - before, Clock::duration::zero());
    }
    longest_ = std::max(longest_, took);
    over_5_ms_ += took > long_step ? 1U : 0U;
}

} // namespace memshare::daemon
