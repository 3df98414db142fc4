// Descriptors, as the tests look at them.
#pragma once

#include "proto/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace memshare::test {

// How many this process has open.
inline std::size_t open_fds() {
    return static_cast<std::size_t>(
               std::ranges::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                                     std::filesystem::directory_iterator())) -
           1; // the one that reads the folder
}

inline bool is_open(int number) { return fcntl(number, F_GETFD) >= 0; }

inline bool is_close_on_exec(int number) { return (fcntl(number, F_GETFD) & FD_CLOEXEC) != 0; }

inline bool same_file(int one, int other) {
    struct stat a{};
    struct stat b{};
    return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// A file of this many zeros that nobody else has.
inline proto::Fd some_file(off_t size = 0) {
    auto file = proto::Fd::adopt(memfd_create("a file of a test", MFD_CLOEXEC));
    return ftruncate(file.number(), size) == 0 ? std::move(file) : proto::Fd();
}

} // namespace memshare::test
