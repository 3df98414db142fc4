// The interfaces of the broker as text, from the .varlink files beside this one.
#pragma once

#include <array>
#include <string_view>

namespace memshare::proto {

struct InterfaceDescription {
    std::string_view name, text;
};

const std::array<InterfaceDescription, 2>& interface_descriptions();

} // namespace memshare::proto
