#include "daemon/step_clock.h"

#include "daemon/handler_hook.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
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
StepClock::Seen StepClock::look() const {
    std::array<char, 96> text{};
    const ssize_t size = scheduler_ ? pread(scheduler_.number(), text.data(), text.size(), 0) : 0;
    const std::string_view told(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    std::int64_t waited = 0;
    if (const auto place = told.find(' '); place != std::string_view::npos) {
        std::from_chars(told.data() + place + 1, told.data() + told.size(), waited);
    }
    timespec ran{}; // the kernel's file would say it as of the last tick
    static_cast<void>(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ran));
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return {.at = Clock::now(),
            .ran = std::chrono::seconds(ran.tv_sec) + std::chrono::nanoseconds(ran.tv_nsec),
            .waited = std::chrono::nanoseconds(waited),
            .blocked = usage.ru_nvcsw};
}

void StepClock::begin() {
    if (inside_) {
        return;
    }
    inside_ = true;
    began_ = Clock::now();
    if (began_ - seen_.at > between_looks) {
        seen_ = look();
        began_ = seen_.at;
    }
}

// What the thread ran or waited since the last look may have been before this step: so a step that is long
// has an error of the time between looks.
void StepClock::end() {
    if (!std::exchange(inside_, false)) {
        return;
    }
    Clock::duration took = Clock::now() - began_;
    if (took > between_looks) {
        const Seen now = look();
        if (now.blocked ==
            seen_.blocked) { // then a hypervisor may have stopped it, but it waited for nothing
            took = std::min(took, now.ran - seen_.ran);
        } else {
            const Clock::duration before = began_ - seen_.at;
            took -= std::max(now.waited - seen_.waited - before, Clock::duration::zero());
        }
    }
    longest_ = std::max(longest_, took);
    over_5_ms_ += took > long_step ? 1U : 0U;
}

} // namespace memshare::daemon
