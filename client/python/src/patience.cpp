#include "client/python/src/patience.h"

namespace memshare::python {

void pause_between_calls(std::chrono::milliseconds length, Signals signals) {
    constexpr std::chrono::milliseconds part{50}; // between looks for signals
    WithoutGil others_run;
    for (auto rest = length; rest > std::chrono::milliseconds::zero(); rest -= part) {
        std::this_thread::sleep_for(std::min(part, rest));
        if (signals == Signals::heard && !others_run.signals_are_quiet()) {
            throw Told();
        }
    }
}

} // namespace memshare::python
