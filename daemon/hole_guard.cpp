#include "daemon/hole_guard.h"

#include <sys/mman.h>

#include <csignal>

namespace memshare::daemon {
namespace {

constinit thread_local std::span<std::byte> guarded; // NOLINT(*-non-const-global-variables): for the handler

// The whole mapping, as a huge page cannot be replaced in part. Any other SIGBUS ends us, as it would have:
// the access is repeated on return.
void fill_hole(int /*signal*/, siginfo_t* info, void* /*context*/) {
    const auto* at = static_cast<const std::byte*>(info->si_addr);
    const bool is_ours = !guarded.empty() && at >= guarded.data() && at < guarded.data() + guarded.size();
    constexpr int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    if (!is_ours || mmap(guarded.data(), guarded.size(), PROT_READ | PROT_WRITE, how, -1, 0) == MAP_FAILED) {
        static_cast<void>(signal(SIGBUS, SIG_DFL));
    }
}

bool handle_sigbus() {
    struct sigaction action{};
    action.sa_sigaction = fill_hole;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    return sigaction(SIGBUS, &action, nullptr) == 0;
}

} // namespace

HoleGuard::HoleGuard(std::span<std::byte> mapping) {
    [[maybe_unused]] static const bool handled = handle_sigbus();
    guarded = mapping;
}

HoleGuard::~HoleGuard() { guarded = {}; }

} // namespace memshare::daemon
