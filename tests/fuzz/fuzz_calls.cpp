// Calls of several users, in any order: each is answered as their rights are, and at the end nothing is left.
//
// The input chooses who calls what; see play.h.
#include "tests/fuzz/play.h"

#include <fcntl.h>

#include <cstdlib>
#include <iostream>

namespace {

// As no descriptor below it is free, this number grows if one is left open.
int lowest_free_descriptor() {
    return memshare::proto::Fd::adopt(open("/dev/null", O_RDONLY | O_CLOEXEC)).number();
}

void play(std::span<const std::uint8_t> bytes) { memshare::fuzz::Play(memshare::fuzz::Bytes(bytes)).play(); }

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool once = (play({}), true); // opens what stays open
    const int before = lowest_free_descriptor();
    play({data, size});
    if (!once || lowest_free_descriptor() != before) {
        std::cerr << "a descriptor is left behind\n";
        std::abort();
    }
    return 0;
}
