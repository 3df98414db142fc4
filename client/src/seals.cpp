#include "client/src/seals.h"

#include "client/src/failure.h"

#include <fcntl.h>

#include <cerrno>

namespace memshare::client {
namespace {

// Whether the memory has the seal now.
bool add_seal(const proto::Fd& memory, int seal) {
    if (fcntl(memory.number(), F_ADD_SEALS, seal | F_SEAL_SEAL) == 0) {
        return true;
    }
    const int error = errno;
    const int seals = fcntl(memory.number(), F_GET_SEALS); // another process may have added it meanwhile
    if (seals >= 0 && (seals & seal) != 0) {
        return true;
    }
    errno = error;
    return false;
}

} // namespace

bool seal_against_writing(const proto::Fd& memory) {
    if (add_seal(memory, F_SEAL_WRITE)) {
        return true;
    }
    if (errno != EBUSY) {
        throw_error(proto::system_error("seal the memory against writing").error());
    }
    return false;
}

void seal_against_new_writers(const proto::Fd& memory) {
    if (!add_seal(memory, F_SEAL_FUTURE_WRITE)) {
        throw_error(proto::system_error("seal the memory against other writers").error());
    }
}

} // namespace memshare::client
