#include "tests/support/patience.h"

#include <poll.h>

namespace memshare::test {

bool eventually(const std::function<bool()>& is_so, milliseconds within) {
    for (const auto until = Clock::now() + within; !is_so();) {
        if (Clock::now() >= until) {
            return is_so();
        }
        poll(nullptr, 0, /*milliseconds=*/1);
    }
    return true;
}

} // namespace memshare::test
