#include "daemon/shortage.h"

#include <sys/resource.h>

namespace memshare::daemon {

proto::Refusal refusal_of(const proto::Error& error, std::uint64_t bytes) {
    if (error.code == std::errc::too_many_files_open ||
        error.code == std::errc::too_many_files_open_in_system) {
        rlimit limit{};
        getrlimit(RLIMIT_NOFILE, &limit);
        return proto::QuotaExceeded{
            .limit = "totalDescriptors", .allowed = limit.rlim_cur, .used = limit.rlim_cur, .requested = 1};
    }
    if (error.code == std::errc::file_too_large) { // a memfd is a file to this limit
        rlimit limit{};
        getrlimit(RLIMIT_FSIZE, &limit);
        return proto::QuotaExceeded{
            .limit = "totalFileSize", .allowed = limit.rlim_cur, .used = 0, .requested = bytes};
    }
    return proto::OutOfMemory{bytes};
}

} // namespace memshare::daemon
