#include "client/src/session.h"

#include "client/src/failure.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <utility>

namespace memshare::client {
namespace {

std::size_t page() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

} // namespace

Session::Session(std::uint32_t holder, std::string token, std::shared_ptr<Session> before)
    : token_(std::move(token)), before_(std::move(before)) {
    void* memory = mmap(nullptr, page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        throw_error(proto::system_error("map a page").error());
    }
    if (madvise(memory, page(), MADV_WIPEONFORK) != 0) {
        const auto failure = proto::system_error("have a page wiped in forked children");
        munmap(memory, page());
        throw_error(failure.error());
    }
    word_ = new (memory) std::atomic<std::uint32_t>(holder);
}

Session::~Session() { munmap(word_, page()); }

} // namespace memshare::client
