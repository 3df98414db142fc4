#include "proto/fd.h"

#include "proto/without_cancellation.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace memshare::proto {

Fd& Fd::operator=(Fd&& other) noexcept {
    if (this != &other) {
        close();
        number_ = other.release();
    }
    return *this;
}

Result<Fd> Fd::duplicate(int number) {
    const int copy = fcntl(number, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
        return system_error("duplicate a descriptor");
    }
    return adopt(copy);
}

int Fd::release() { return std::exchange(number_, -1); }

// A second try after EINTR could close a stranger's descriptor: on Linux the first has closed ours already.
void Fd::close() {
    if (number_ >= 0) {
        const WithoutCancellation postponed; // a destructor must not unwind
        ::close(release());
    }
}

} // namespace memshare::proto
