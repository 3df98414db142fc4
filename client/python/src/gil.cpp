#include "client/python/src/gil.h"

#include <unistd.h>

namespace memshare::python {

void rest() noexcept {
    while (true) {
        pause();
    }
}

} // namespace memshare::python
