// A lock of the folder that the socket lies in, and of the socket's own file, held by somebody who may look
// there.
#pragma once

#include "tests/system/attack/means.h"

#include <fcntl.h>
#include <sys/file.h>

namespace memshare::test::attack {

inline void folder_lock(const std::string& socket_path) {
    const std::string folder = socket_path.substr(0, socket_path.rfind('/'));
    const auto opened = proto::Fd::adopt(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    flock(opened.number(), LOCK_SH);
    std::this_thread::sleep_for(a_while);
    flock(opened.number(), LOCK_EX | LOCK_NB);
    std::this_thread::sleep_for(a_while);
}

} // namespace memshare::test::attack
