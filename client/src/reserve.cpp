#include "client/src/reserve.h"

#include "client/src/available_memory.h"
#include "proto/limits.h"
#include <memshare/error.hpp>

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

namespace memshare::client {
namespace {

constexpr int populate_write = 23; // MADV_POPULATE_WRITE: Linux 5.14; younger than some C libraries' headers

// The error of an action, which is taken again as long as it was only disturbed; 0 for none.
int error_of(const auto& action) {
    int error = 0;
    do {
        error = action() == 0 ? 0 : errno;
    } while (error == EINTR || error == EAGAIN);
    return error;
}

// The kernel says EFAULT where a write would be a SIGBUS: no page may be had, as the machine does not
// overcommit or the pool of huge pages is empty.
int populate(std::span<std::byte> part, int fd, std::size_t offset) {
    const int error = error_of([&] { return madvise(part.data(), part.size(), populate_write); });
    if (error != EINVAL) {
        return error;
    }
    return error_of(
        [&] { return fallocate(fd, 0, static_cast<off_t>(offset), static_cast<off_t>(part.size())); });
}

[[noreturn]] void throw_shortage(std::uint64_t size, const std::string& why) {
    throw Error(Errc::out_of_memory, "cannot reserve " + std::to_string(size) + " bytes: " + why);
}

// That `missing` bytes of `size` are available.
void expect_room(std::uint64_t size, std::uint64_t missing) {
    const auto available = available_memory();
    if (!available) {
        throw_shortage(size, "how much memory is available is not known, as this process cannot " +
                                 available.error().sentence() +
                                 ": mount it, or create the segment without reserve");
    }
    if (missing > *available) {
        throw_shortage(size, std::to_string(missing) + " of them are missing and only " +
                                 std::to_string(*available) + " available");
    }
}

} // namespace

void expect_room_for(std::uint64_t size) { expect_room(size, size); }

void reserve(std::span<std::byte> memory, int fd, proto::HugePages pages) {
    for (std::size_t offset = 0; offset < memory.size();) {
        const std::size_t missing = memory.size() - offset;
        // Of a pool the kernel says what there is. Of ordinary pages it does not, but kills: so never ask for
        // what it cannot have.
        if (!proto::are_pooled(pages)) {
            expect_room(memory.size(), missing);
        }
        const std::size_t step = std::min(missing, proto::limits::reserve_step_bytes);
        if (const int error = populate(memory.subspan(offset, step), fd, offset); error != 0) {
            throw_shortage(memory.size(), error == EFAULT ? "the kernel has no more pages to give"
                                                          : std::generic_category().message(error));
        }
        offset += step;
    }
}

} // namespace memshare::client
