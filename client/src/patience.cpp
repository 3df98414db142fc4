#include "client/src/patience.h"

#include <sched.h>

namespace memshare::client {

Patience::Patience() {
    cpu_set_t allowed;
    several_processors_ = sched_getaffinity(0, sizeof(allowed), &allowed) == 0 && CPU_COUNT(&allowed) > 1;
}

std::chrono::microseconds Patience::next() {
    calls_ = (calls_ + 1) % calls_between;
    const bool look = several_processors_ && (in_vain_ < vain_looks || calls_ == 0);
    return look ? longest : std::chrono::microseconds::zero();
}

void Patience::learn(bool came) { in_vain_ = came ? 0 : in_vain_ + 1; }

} // namespace memshare::client
