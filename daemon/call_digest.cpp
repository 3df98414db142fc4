#include "daemon/call_digest.h"

#include "proto/members.h"

#include <string>

namespace memshare::daemon {
namespace {

// FNV-1a, 64 bits (Fowler, Noll and Vo).
std::uint64_t hash_of(std::string_view text) {
    constexpr std::uint64_t prime = 0x100000001b3;
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char letter : text) {
        hash = (hash ^ static_cast<unsigned char>(letter)) * prime;
    }
    return hash;
}

template <typename Method> std::uint64_t digest(const Method& call) {
    std::string text(Method::method);
    proto::JsonWriter to(text);
    proto::write_json(to, call);
    return hash_of(text);
}

} // namespace

std::uint64_t digest_of(const proto::Create& call) { return digest(call); }
std::uint64_t digest_of(const proto::Attach& call) { return digest(call); }
std::uint64_t digest_of(const proto::Detach& call) { return digest(call); }

} // namespace memshare::daemon
