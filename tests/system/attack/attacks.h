// All the ways to attack a broker that this project knows of. Each is one round, which needs no right of any
// kind and minds nothing that it is refused; an attacker repeats it without end.
#pragma once

#include <span>
#include <string>

namespace memshare::test {

struct Attack {
    const char* name;
    void (*round)(const std::string& socket_path);
};

std::span<const Attack> all_attacks();

} // namespace memshare::test
